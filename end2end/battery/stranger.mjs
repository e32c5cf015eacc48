// Starts a server with things in it, writes down who may enter, runs a command and takes the server down again.
// Usage: node stranger.mjs BINARY COMMAND...: the command finds BASE, SLUG, SESSION, READER, WRITER and OTHER_SESSION in its environment.
import { spawn } from 'node:child_process';
import { good, register, withServer } from '../server.mjs';

await withServer('stranger', { ALDIS_LOG: 'error' }, async (server) => {
  const team = await register(server.base);
  const other = await register(server.base);
  const service = await good(team.call('POST', '/api/services', { name: 'API', description: 'Answers.' }));
  await good(team.call('POST', '/api/groups', { name: 'Core' }));
  await good(team.call('POST', '/api/incidents', { title: 'Down', message: 'We look.', services: [{ id: service.id, status: 'degraded' }] }));
  await good(other.call('POST', '/api/services', { name: 'Canary' }));
  const reader = await good(team.call('POST', '/api/tokens', { name: 'Reader', scope: 'read' }));
  const writer = await good(team.call('POST', '/api/tokens', { name: 'Writer', scope: 'write' }));
  const before = JSON.stringify((await other.call('GET', '/api/services')).json);
  const env = {
    ...process.env,
    BASE: server.base,
    SLUG: team.slug,
    SERVICE: service.id,
    SESSION: team.token,
    OTHER_SESSION: other.token,
    READER: reader.secret,
    WRITER: writer.secret,
  };
  const [command, ...rest] = process.argv.slice(3);
  const status = await new Promise((resolve, reject) => {
    const child = spawn(command, rest, { env, stdio: 'inherit' });
    child.once('exit', (code, signal) => resolve(signal ?? code));
    child.once('error', reject);
  });
  const after = JSON.stringify((await other.call('GET', '/api/services')).json);
  const lines = server.log().split('\n').filter((line) => /panicked|internal error/i.test(line));
  if (lines.length > 0) console.error(`the server's log:\n${lines.slice(0, 20).join('\n')}`);
  if (after !== before) throw new Error(`another organization's rows changed:\n${before}\n${after}`);
  if (lines.length > 0) throw new Error(`${lines.length} internal errors`);
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
});
