// What can happen to a database, and how it comes back.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Cable, Folder, MariaDb, Postgres, execute, served } from './databases.mjs';
import { Skipped } from './cases.mjs';

/**
 * Each death: what it is done with, `die` and `revive`, and what still works: `canRead` in any case, and whether
 * `writesMayPass`. A database that can be read keeps the page up to date, so nothing is out of date and no notice due.
 */
const servers = {
  stopped: { die: (db) => db.signal('SIGSTOP'), revive: (db) => db.signal('SIGCONT') },
  killed: { die: (db) => db.kill(), revive: (db) => db.start() },
  'cut off': { die: (db) => db.cable.cut(), revive: (db) => db.cable.mend(), isCabled: true },
  // A full disk still has room within the files. PostgreSQL may give up altogether.
  'disk full': { die: (db) => db.folder.fill(), revive: unfill, isSmall: true, mayRead: true, writesMayPass: true },
  'read-only': { die: (db) => db.readOnly(true), revive: (db) => db.readOnly(false), mayRead: true, canRead: true },
};

async function unfill(db) {
  db.folder.free();
  if (db.hasEnded()) await db.start();
  else await db.answers();
}

/** The deaths of MariaDB, PostgreSQL and SQLite, by name; each opens a database to try it with. */
export const cases = [];
for (const Kind of [MariaDb, Postgres]) {
  for (const [death, how] of Object.entries(servers)) {
    const open = async () => {
      const db = await served(Kind, how);
      if (how.isCabled) db.cable = await new Cable().lay(db.port);
      const remove = async () => {
        db.cable?.remove();
        await db.remove();
      };
      return { ...how, die: () => how.die(db), revive: () => how.revive(db), remove, settings: { DATABASE_URL: db.url(db.cable?.port) } };
    };
    cases.push({ name: `${Kind === MariaDb ? 'MariaDB' : 'PostgreSQL'}, ${death}`, open });
  }
}

function sqlite(folder, data, how) {
  const settings = { DATABASE_URL: `sqlite://${join(folder.path, 'db', 'aldis.db')}`, ALDIS_DATA_DIR: data };
  mkdirSync(join(folder.path, 'db'));
  return { mayRead: true, canRead: true, remove: () => folder.remove(), settings, ...how };
}

// Its copies of pages are on the same disk, as usual.
cases.push({
  name: 'SQLite, disk full',
  open: async () => {
    const folder = new Folder(32);
    return sqlite(folder, join(folder.path, 'data'), { writesMayPass: true, die: () => folder.fill(), revive: () => folder.free() });
  },
});

// Modes do not bind root, and a file system with files that are open for writing cannot be remounted. Immutable files
// (ext4, XFS, Btrfs) refuse also who has opened them before. The index of the log (-shm) is memory that is shared.
cases.push({
  name: 'SQLite, read-only',
  open: async () => {
    const folder = new Folder();
    const at = join(folder.path, 'db');
    const all = () => [...['aldis.db', 'aldis.db-wal'].map((name) => join(at, name)).filter(existsSync), at];
    const change = async (flag) => {
      try {
        await execute('chattr', [flag, ...all()]);
      } catch (error) {
        throw new Skipped(`files cannot be made immutable: ${error.stderr?.trim() || error.message}`);
      }
    };
    const revive = () => change('-i');
    const remove = async () => {
      await revive().catch(() => {});
      folder.remove();
    };
    return sqlite(folder, join(folder.path, 'data'), { die: () => change('+i'), revive, remove });
  },
});
