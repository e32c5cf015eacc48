// A mail server that takes every letter and keeps it, for scripts that want to read what is sent.
import { createServer } from 'node:net';
import { pause } from './server.mjs';

/** Listens on a free port of this machine. Takes whatever credentials it is given. */
export async function mailServer() {
  const letters = [];
  const server = createServer((socket) => {
    let [rest, text, to] = ['', null, ''];
    const say = (line) => socket.write(`${line}\r\n`);
    const hear = (line) => {
      if (text !== null) {
        if (line === '.') {
          letters.push(letter(to, text));
          text = null;
          return say('250 kept');
        }
        text += `${line.startsWith('..') ? line.slice(1) : line}\r\n`;
        return undefined;
      }
      const word = line.slice(0, 4).toUpperCase();
      if (word === 'EHLO') return say('250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN');
      if (word === 'AUTH') return say('235 believed');
      if (word === 'RCPT') to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (word === 'DATA') {
        text = '';
        return say('354 go on');
      }
      if (word === 'QUIT') return socket.end('221 bye\r\n');
      return say('250 fine');
    };
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop();
      for (const line of lines) hear(line);
    });
    say('220 sink');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    port,
    letters,
    /** The newest letter to somebody with a link that opens something, once there are so many; they are sent behind the
     * requests' backs. */
    async newestTo(address, count = 1) {
      const opens = (letter) => linksIn(letter).some((link) => /\/(invite|reset-password)\//.test(link));
      const theirs = () => letters.filter((letter) => letter.to === address.toLowerCase() && opens(letter));
      const began = performance.now();
      while (theirs().length < count) {
        if (performance.now() - began > 20_000) throw new Error(`no letter to ${address} has come`);
        await pause(20);
      }
      return theirs().at(-1);
    },
    close: () => server.close(),
  };
}

/** A letter as it came: whom it is for, its subject, and its parts decoded. */
function letter(to, raw) {
  const [head, body] = split(raw);
  const parts = { text: '', html: '' };
  collect(head, body, parts);
  return { to: to.toLowerCase(), subject: words(field(head, 'subject')), ...parts };
}

/** The links in a letter. */
export const linksIn = ({ text }) => text.match(/https?:\/\/\S+/g) ?? [];

function split(raw) {
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? [raw, ''] : [raw.slice(0, end), raw.slice(end + 4)];
}

/** A field of the head, its folded lines put together. */
const field = (head, name) =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head.replace(/\r\n[ \t]+/g, ' ').replaceAll('\r\n', '\n'))?.[1] ?? '';

function collect(head, body, parts) {
  const type = field(head, 'content-type');
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary) {
    const inner = body.split(`--${boundary}`).slice(1, -1);
    for (const part of inner) collect(...split(part.replace(/^\r\n/, '')), parts);
  } else if (/^text\/html/i.test(type)) {
    parts.html = decoded(body, field(head, 'content-transfer-encoding'));
  } else {
    parts.text = decoded(body, field(head, 'content-transfer-encoding'));
  }
}

function decoded(body, encoding) {
  if (/base64/i.test(encoding)) return Buffer.from(body, 'base64').toString('utf8');
  if (/quoted-printable/i.test(encoding)) return quoted(body.replace(/=\r\n/g, ''));
  return Buffer.from(body, 'latin1').toString('utf8');
}

const quoted = (text) =>
  Buffer.from(text.replace(/=([0-9A-F]{2})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16))), 'latin1').toString('utf8');

/** A subject without its encoded words. */
const words = (text) =>
  text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind, word) =>
      kind.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : quoted(word.replaceAll('_', ' ')),
    );
