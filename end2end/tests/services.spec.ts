// Managing services and groups.

import { addGroup, addService, expect, go, namesOf, REFUSED, row, signUp, statusOf, test } from './fixtures';

test('UI-34 an empty organization is shown its next step', async ({ page }) => {
  const { slug } = await signUp(page);
  await go(page, '/dashboard');
  await expect(page.getByRole('heading', { name: 'No services yet' })).toBeVisible();
  await page.getByRole('link', { name: 'Add your first service' }).click();
  await page.waitForURL('**/services');
  await page.getByLabel('Name', { exact: true }).fill('API');
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(row(page, 'API')).toContainText('Operational');
  await expect(page.getByText('No services yet.')).toBeHidden();
  await page.getByRole('link', { name: 'Overview' }).first().click();
  await expect(statusOf(page, 'API')).toHaveValue('operational');
  await page.getByRole('link', { name: 'View page' }).first().click();
  await page.waitForURL(`**/public/${slug}`);
  await expect(row(page, 'API')).toBeVisible();
});

test('a service is renamed, described, put in a group and back', async ({ page }) => {
  await signUp(page);
  await addGroup(page, 'Core');
  const { id } = await addService(page, 'API');
  await go(page, `/services/${id}`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('API');
  await page.getByLabel('Name', { exact: true }).fill('Gateway');
  await page.getByLabel('Description').fill('First line\nsecond line & <b>more</b>');
  await page.getByLabel('Group').selectOption('Core');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Gateway');
  await expect(page).toHaveTitle('Gateway · Aldis');

  await page.reload();
  await expect(page.locator('html.alive')).toBeAttached();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Gateway');
  await expect(page.getByLabel('Description')).toHaveValue('First line\nsecond line & <b>more</b>');
  await expect(page.getByLabel('Group').locator(':checked')).toHaveText('Core');
  await page.getByLabel('Group').selectOption('No group');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await go(page, '/services');
  await expect(page.getByRole('heading', { name: 'Ungrouped' })).toBeVisible();
  await expect(page.getByText('No services in this group.').filter({ visible: true })).toBeVisible();
});

test('the history of a service shows who changed what', async ({ page }) => {
  await signUp(page, { name: 'Ada Lamp' });
  const { id } = await addService(page, 'API');
  await go(page, `/services/${id}`);
  await expect(page.getByText('No status changes yet.')).toBeVisible();
  await statusOf(page, 'API').selectOption('Partial Outage');
  await statusOf(page, 'API').selectOption('Operational');
  const entries = page.locator('main ol > li');
  await expect(entries).toHaveCount(2);
  await expect(entries.first()).toContainText('Operational');
  await expect(entries.first()).toContainText('Partial Outage');
  await expect(entries.last()).toContainText('by Ada Lamp');
});

test('UI-30 services and groups are put in order by buttons', async ({ page }) => {
  await signUp(page);
  for (const name of ['One', 'Two', 'Three']) await addService(page, name);
  const core = await addGroup(page, 'Core');
  await addGroup(page, 'Edge');
  await addService(page, { name: 'Four', group_id: core.id });
  await go(page, '/services');
  const move = (name: string, direction: string) => page.getByRole('button', { name: `Move ${name} ${direction}` });
  expect(await namesOf(page)).toEqual(['One', 'Two', 'Three', 'Four']);
  await expect(move('One', 'up')).toBeDisabled();
  await expect(move('Three', 'down')).toBeDisabled();
  await expect(move('Four', 'up')).toBeDisabled();
  await move('Three', 'up').click();
  await expect.poll(() => namesOf(page)).toEqual(['One', 'Three', 'Two', 'Four']);
  await move('One', 'down').click();
  await expect.poll(() => namesOf(page)).toEqual(['Three', 'One', 'Two', 'Four']);

  const headings = page.getByRole('main').locator('.group-head h2');
  await expect(headings).toHaveText(['Core', 'Edge']);
  await move('Edge', 'up').click();
  await expect(headings).toHaveText(['Edge', 'Core']);
  await page.reload();
  await expect(headings).toHaveText(['Edge', 'Core']);
  expect(await namesOf(page)).toEqual(['Three', 'One', 'Two', 'Four']);
});

test('UI-21 UI-30 the order is changed by keyboard alone, and the focus stays with what moves', async ({ page }) => {
  await signUp(page);
  for (const name of ['One', 'Two', 'Three']) await addService(page, name);
  await go(page, '/services');
  const move = (name: string, direction: string) => page.getByRole('button', { name: `Move ${name} ${direction}` });
  await move('Three', 'up').focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => namesOf(page)).toEqual(['One', 'Three', 'Two']);
  await expect(move('Three', 'up')).toBeFocused();
  await page.keyboard.press('Space');
  await expect.poll(() => namesOf(page)).toEqual(['Three', 'One', 'Two']);
  // Up is at its end: the other of the pair has the focus.
  await expect(move('Three', 'down')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect.poll(() => namesOf(page)).toEqual(['One', 'Three', 'Two']);
});

test('groups are added, renamed and deleted; their services stay', async ({ page }) => {
  await signUp(page);
  await go(page, '/services');
  for (const name of ['Core', 'Edge']) {
    await page.getByRole('textbox', { name: 'Heading' }).last().fill(name);
    await page.getByRole('button', { name: 'Add group' }).click();
    await expect(page.getByRole('heading', { name, exact: true })).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Heading' }).last()).toHaveValue('');
  }
  await page.getByLabel('Name', { exact: true }).fill('API');
  await page.getByLabel('Group', { exact: true }).selectOption('Core');
  await page.getByRole('button', { name: 'Add service' }).click();
  const core = page.locator('section.group').filter({ has: page.getByRole('heading', { name: 'Core', exact: true }) });
  await expect(core.getByRole('listitem')).toContainText('API');

  await core.getByText('Rename or delete').click();
  await core.getByLabel('Heading').fill('Platform');
  await core.getByRole('button', { name: 'Rename' }).click();
  const platform = page
    .locator('section.group')
    .filter({ has: page.getByRole('heading', { name: 'Platform', exact: true }) });
  await expect(platform.getByText('Renamed.')).toBeVisible();
  await expect(platform.getByText('The service in it will be ungrouped.')).toBeVisible();
  await platform.getByRole('button', { name: 'Delete group' }).click();
  await expect(platform).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Ungrouped' })).toBeVisible();
  expect(await namesOf(page)).toEqual(['API']);
});

test('UI-35 deleting a service requires typing its name', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const { id } = await addService(page, 'Ledger');
  await go(page, `/services/${id}`);
  await page.getByText('Delete this service').click();
  const confirm = page.getByLabel('Type the service name to confirm');
  await confirm.fill('ledger?');
  await page.getByRole('button', { name: 'Delete service' }).click();
  await expect(confirm).toHaveAccessibleDescription(/Type “Ledger” to confirm/);
  await expect(confirm).toBeFocused();
  await expect(confirm).toHaveValue('ledger?');
  await confirm.fill('Ledger');
  await page.getByRole('button', { name: 'Delete service' }).click();
  await page.waitForURL('**/services');
  await expect(page.getByText('No services yet.')).toBeVisible();
});

test('UI-26 errors are shown at their fields, take the focus and keep the input', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  await go(page, '/services');
  const [name, description] = [page.getByLabel('Name', { exact: true }), page.getByLabel('Description')];
  await description.fill('kept');
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(name).toBeFocused();
  await expect(name).toHaveAccessibleDescription('This is required.');
  await expect(description).toHaveValue('kept');
  await name.fill('a'.repeat(101));
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(name).toHaveAccessibleDescription('Use at most 100 characters; this has 101.');
  await expect(name).toHaveValue('a'.repeat(101));
  await name.fill('API');
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(row(page, 'API')).toContainText('kept');
  await expect(name).not.toHaveAttribute('aria-invalid');

  await page.getByRole('button', { name: 'Add group' }).click();
  const heading = page.getByRole('textbox', { name: 'Heading' }).last();
  await expect(heading).toBeFocused();
  await expect(heading).toHaveAccessibleDescription(/This is required\./);
});

test('UI-28 a form sent twice at once adds one service', async ({ page, expectConsole }) => {
  // When the answer is quicker than the second click, that one sends the form emptied for the next service.
  expectConsole(REFUSED);
  await signUp(page);
  await go(page, '/services');
  await page.getByLabel('Name', { exact: true }).fill('Once');
  await page.getByRole('button', { name: 'Add service' }).dblclick();
  await expect(row(page, 'Once')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add service' })).toBeEnabled();
  await page.reload();
  expect(await namesOf(page)).toEqual(['Once']);
});

test('UI-23 a change of page moves the focus to its heading and renames the window', async ({ page }) => {
  await signUp(page);
  await go(page, '/dashboard');
  for (const name of ['Services', 'Settings', 'Overview']) {
    await page.getByRole('navigation').getByRole('link', { name }).click();
    await expect(page.getByRole('heading', { level: 1, name })).toBeFocused();
    await expect(page).toHaveTitle(`${name} · Aldis`);
    await expect(page.getByRole('navigation').getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
  }
});
