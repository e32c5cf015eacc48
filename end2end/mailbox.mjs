// An SMTP server that keeps every message, for scripts that read the mail Aldis sends.
import { createServer } from 'node:net';
import { pause } from './server.mjs';

/** Listens on a free local port and accepts any credentials. */
export async function mailServer() {
  const messages = [];
  const server = createServer((socket) => {
    let [rest, text, to] = ['', null, ''];
    const reply = (line) => socket.write(`${line}\r\n`);
    const receive = (line) => {
      if (text !== null) {
        if (line === '.') {
          messages.push(parseMessage(to, text));
          text = null;
          return reply('250 stored');
        }
        text += `${line.startsWith('..') ? line.slice(1) : line}\r\n`;
        return undefined;
      }
      const command = line.slice(0, 4).toUpperCase();
      if (command === 'EHLO') return reply('250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN');
      if (command === 'AUTH') return reply('235 accepted');
      if (command === 'RCPT') to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (command === 'DATA') {
        text = '';
        return reply('354 continue');
      }
      if (command === 'QUIT') return socket.end('221 bye\r\n');
      return reply('250 ok');
    };
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop();
      for (const line of lines) receive(line);
    });
    reply('220 sink');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    port,
    messages,
    /** The latest of `count` messages with an invitation or reset link to this address. Waits for them, as mail is sent
     * in the background. */
    async latestTo(address, count = 1) {
      const hasLink = (message) => linksIn(message).some((link) => /\/(invite|reset-password)\//.test(link));
      const theirs = () => messages.filter((message) => message.to === address.toLowerCase() && hasLink(message));
      const began = performance.now();
      while (theirs().length < count) {
        if (performance.now() - began > 20_000) throw new Error(`no message to ${address} has arrived`);
        await pause(20);
      }
      return theirs().at(-1);
    },
    close: () => server.close(),
  };
}

/** Parses a message: recipient, subject, and decoded text and HTML parts. */
function parseMessage(to, raw) {
  const [head, body] = split(raw);
  const parts = { text: '', html: '' };
  collectParts(head, body, parts);
  return { to: to.toLowerCase(), subject: decodedWords(field(head, 'subject')), ...parts };
}

/** The links in a message. */
export const linksIn = ({ text }) => text.match(/https?:\/\/\S+/g) ?? [];

function split(raw) {
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? [raw, ''] : [raw.slice(0, end), raw.slice(end + 4)];
}

/** A header field, unfolded. */
const field = (head, name) =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head.replace(/\r\n[ \t]+/g, ' ').replaceAll('\r\n', '\n'))?.[1] ?? '';

function collectParts(head, body, parts) {
  const type = field(head, 'content-type');
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary) {
    const inner = body.split(`--${boundary}`).slice(1, -1);
    for (const part of inner) collectParts(...split(part.replace(/^\r\n/, '')), parts);
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

/** Decodes the encoded words of a header. */
const decodedWords = (text) =>
  text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, encoding, word) =>
      encoding.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : quoted(word.replaceAll('_', ' ')),
    );
