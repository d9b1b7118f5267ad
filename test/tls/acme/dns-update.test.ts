/** Updates at a name server that is none, or somebody else between: no answer counts that is not signed with the key. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { updatePublisher } from '../../../src/tls/acme/dns-update.ts';
import { signMessage, type TsigKey } from '../../../src/tls/acme/tsig.ts';

const key: TsigKey = { name: 'lockgate', algorithm: 'hmac-sha256', secret: Buffer.from('secret') };
const name = '_acme-challenge.films.example.org';
const record = { name, place: name, value: 'value', proves: 'films.example.org' };
const signal = new AbortController().signal;

/** What the server says to a message, without the two bytes of length. */
type Say = (message: Buffer, socket: Socket) => Buffer | undefined;

async function publishAt(say: Say, tsig: TsigKey | undefined): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      const answer = say(bytes.subarray(2), socket);
      if (answer !== undefined)
        socket.end(Buffer.concat([Buffer.of(answer.length >> 8, answer.length & 0xff), answer]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await updatePublisher({ host: '127.0.0.1', port, key: tsig }).publish(record, signal);
    return '';
  } catch (error) {
    return (error as Error).message;
  } finally {
    server.close();
  }
}

/** A header with the id of `message` and so many records of each kind. */
function head(message: Buffer, counts: readonly number[], rcode = 0): Buffer {
  const bytes = Buffer.alloc(12);
  message.copy(bytes, 0, 0, 2);
  bytes[2] = 0x84;
  bytes[3] = rcode;
  counts.forEach((count, index) => {
    bytes.writeUInt16BE(count, 4 + 2 * index);
  });
  return bytes;
}

const other: TsigKey = { ...key, secret: Buffer.from('guessed') };

const STORIES: readonly (readonly [string, Say, TsigKey | undefined, RegExp])[] = [
  ['closes at once', (_, socket) => void socket.destroy(), key, /cannot be asked: it closed the connection$/],
  ['answers another question', () => Buffer.alloc(12), key, /cannot be asked: it answers nonsense$/],
  ['answers in three bytes', (message) => message.subarray(0, 3), key, /cannot be asked: it answers nonsense$/],
  ['says yes without a signature', (message) => head(message, [0, 0, 0, 0]), key, /it answers without a signature/],
  [
    'signs with another secret',
    (message) => signMessage(head(message, [0, 0, 0, 0]), other, Date.now()).bytes,
    key,
    /its answer bears a wrong signature/,
  ],
  ['announces records that do not come', (message) => head(message, [9, 65535, 65535, 65535]), key, /cut short$/],
  [
    'does so without a key',
    (message) => head(message, [9, 65535, 65535, 65535]),
    undefined,
    /its answer is cut short$/,
  ],
  [
    'knows no zone',
    (message) => head(message, [0, 0, 0, 0]),
    undefined,
    /it holds no zone for _acme-challenge\.films\.example\.org$/,
  ],
];

for (const [what, say, tsig, sentence] of STORIES) {
  test(`a name server that ${what}`, async () => {
    assert.match(await publishAt(say, tsig), sentence);
  });
}

test.run();
