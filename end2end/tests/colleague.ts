// A second member of an organization, who came by an invitation.

import { expect, test, type Page } from '@playwright/test';
import { go, keepSecret, password, stranger, unique } from './fixtures';

const own = () => ({ origin: new URL(test.info().project.use.baseURL ?? '').origin });

/** Invites somebody without any page and returns the path of the link. */
export async function invite(page: Page, email: string, role: 'member' | 'admin' = 'member'): Promise<string> {
  const response = await page.request.post('/api/team/invitations', { data: { email, role }, headers: own() });
  expect(response.status(), await response.text()).toBe(201);
  const { link } = (await response.json()) as { link: string };
  const { pathname } = new URL(link);
  keepSecret(pathname.split('/').pop()!);
  return pathname;
}

/** A page, in a context of its own, on which somebody else of the same organization is signed in. */
export async function colleague(page: Page, name: string): Promise<Page> {
  const link = await invite(page, `${unique('colleague')}@example.test`);
  const theirs = await stranger(page);
  const response = await theirs.request.post('/fn/aldis/app/server_fns/team/join_as_new', {
    form: { token: link.split('/').pop()!, name, password: password() },
    headers: { ...own(), accept: 'text/html' },
    maxRedirects: 0,
  });
  expect(response.status(), await response.text()).toBe(303);
  await go(theirs, '/dashboard');
  return theirs;
}
