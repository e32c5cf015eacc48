// A second member of an organization. Until people can be invited, the way in is the database of the server under test:
// an SQLite file named by ALDIS_TEST_SQLITE.

import { execFileSync } from 'node:child_process';
import type { Page } from '@playwright/test';
import { logIn, type Registration, signUp, stranger } from './fixtures';

/** A page, in a context of its own, on which somebody else of the same organization is signed in. */
export async function colleague(page: Page, { slug }: Registration, name: string): Promise<Page> {
  const database = process.env.ALDIS_TEST_SQLITE;
  if (!database) throw new Error('Set ALDIS_TEST_SQLITE to the file of the database that the server under test uses.');
  const theirs = await stranger(page);
  const other = await signUp(theirs, { name });
  const id = `(SELECT id FROM user_account WHERE email = '${other.email}')`;
  const organization = `(SELECT id FROM organization WHERE slug = '${slug}')`;
  execFileSync('sqlite3', [
    '-cmd',
    '.timeout 5000',
    database,
    `DELETE FROM session WHERE user_id = ${id};
     UPDATE membership SET org_id = ${organization}, role = 'member' WHERE user_id = ${id};`,
  ]);
  await theirs.context().clearCookies();
  await logIn(theirs, other);
  return theirs;
}
