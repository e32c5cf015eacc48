// Searches a log for the passwords that the browser tests type and the secrets they receive. Each pattern must find a
// planted example first.
import { readFileSync } from 'node:fs';

/** The kinds of secrets with a recognizable form: name, pattern and an example line. Typed passwords begin with
 * "canary-" (end2end/tests/fixtures.ts); a session is a JWT. */
const KINDS = [
  ['a typed password', /canary-[A-Za-z0-9]/, 'form={"password":"canary-0fd1"}'],
  ['a session', /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\./, 'bearer eyJ0eXAiOiJKV1QiL.eyJpc3MiOiJhbGRpcyI.x'],
  ['a session cookie', /aldis=[A-Za-z0-9]/, 'cookie: theme=dark; aldis=e30'],
  ['a challenge cookie', /aldis-code=[A-Za-z0-9_-]/, 'set-cookie: __Host-aldis-code=Zm9v; Path=/'],
  ['an API token', /aldis_[A-Za-z0-9_-]{40}/, `authorization: Bearer aldis_${'0123456789'.repeat(4)}12`],
  ['an invitation', /invite\/[A-Za-z0-9_-]{43}/, `GET /invite/${'0123456789'.repeat(4)}012`],
  ['a password reset link', /reset-password\/[A-Za-z0-9_-]{43}/, `GET /reset-password/${'0123456789'.repeat(4)}012`],
  ['an authenticator secret', /otpauth:|secret=[A-Z2-7]{16}/, 'otpauth://totp/Aldis:ada?secret=JBSWY3DPEHPK3PXP'],
];

/** Throws if the log contains a secret. Returns a summary. */
export function findNoSecrets(logFile, listFile) {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  const given = [...new Set(readFileSync(listFile, 'utf8').split('\n').filter(Boolean))];
  if (lines.length < 10_000 || given.length < 100) {
    throw new Error(`${given.length} secrets and ${lines.length} log lines are too few for a meaningful search.`);
  }
  const any = new RegExp(given.map(escape).join('|'));
  const searches = [...KINDS, ['given out', any, `planted: ${given.at(-1)}.`]];
  for (const [kind, pattern, planted] of searches) {
    if (!pattern.test(planted)) throw new Error(`The pattern for ${kind} does not find its example.`);
  }
  const found = searches.flatMap(([kind, pattern]) =>
    lines.filter((line) => pattern.test(line)).slice(0, 3).map((line) => `${kind}: ${line.slice(0, 300)}`),
  );
  if (found.length > 0) throw new Error(`The server's log contains a secret:\n${found.join('\n')}`);
  return `${given.length} secrets and ${KINDS.length} patterns searched for in ${lines.length} log lines, none found`;
}

const escape = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
