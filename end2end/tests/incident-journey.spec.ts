// An incident from open to postmortem, by mouse, on screens that follow by themselves.

import { test } from './fixtures';
import { runScenario, mouse } from './journey';

test('two members and two visitors live through an incident, and every screen agrees at every step', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await runScenario(mouse, page);
});
