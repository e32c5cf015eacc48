// Looks through a log for what the journeys type as passwords, and for the secrets they are given. Whatever looks must
// find what is planted, or it proves nothing.
import { readFileSync } from 'node:fs';

/** The kinds of secrets that can be told by their looks: what they are called, what finds them, and a line to be found.
 * What the journeys type begins with "canary-" (end2end/tests/fixtures.ts); a session is a JWT. */
const KINDS = [
  ['a typed password', /canary-[A-Za-z0-9]/, 'form={"password":"canary-0fd1"}'],
  ['a session', /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\./, 'bearer eyJ0eXAiOiJKV1QiL.eyJpc3MiOiJhbGRpcyI.x'],
  ['a session cookie', /aldis=[A-Za-z0-9]/, 'cookie: theme=dark; aldis=e30'],
  ['a challenge cookie', /aldis-code=[A-Za-z0-9_-]/, 'set-cookie: __Host-aldis-code=Zm9v; Path=/'],
  ['an API token', /aldis_[A-Za-z0-9_-]{40}/, `authorization: Bearer aldis_${'0123456789'.repeat(4)}12`],
  ['an invitation', /invite\/[A-Za-z0-9_-]{43}/, `GET /invite/${'0123456789'.repeat(4)}012`],
  ['a link for a new password', /reset-password\/[A-Za-z0-9_-]{43}/, `GET /reset-password/${'0123456789'.repeat(4)}012`],
  ['a key of an authenticator app', /otpauth:|secret=[A-Z2-7]{16}/, 'otpauth://totp/Aldis:ada?secret=JBSWY3DPEHPK3PXP'],
];

/** Fails if the log holds a secret; returns a sentence about what was looked for. */
export function findNoSecrets(logFile, listFile) {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  const given = [...new Set(readFileSync(listFile, 'utf8').split('\n').filter(Boolean))];
  if (lines.length < 10_000 || given.length < 100) {
    throw new Error(`${given.length} secrets and ${lines.length} lines of log are too few to prove anything.`);
  }
  const any = new RegExp(given.map(escape).join('|'));
  const looks = [...KINDS, ['given out', any, `planted: ${given.at(-1)}.`]];
  for (const [kind, pattern, planted] of looks) {
    if (!pattern.test(planted)) throw new Error(`What looks for ${kind} finds none.`);
  }
  const found = looks.flatMap(([kind, pattern]) =>
    lines.filter((line) => pattern.test(line)).slice(0, 3).map((line) => `${kind}: ${line.slice(0, 300)}`),
  );
  if (found.length > 0) throw new Error(`A secret stands in the server's log:\n${found.join('\n')}`);
  return `${given.length} secrets that were given out and ${KINDS.length} kinds of them looked for in ${lines.length} lines of log, none found`;
}

const escape = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
