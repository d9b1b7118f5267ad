import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../src/lib/log.ts';
import { NetworkList, parseNetworkList } from '../../src/net/address.ts';
import { type AcceptedConnection, type AcceptOptions, acceptConnection } from '../../src/net/first-byte.ts';
import { listen } from '../../src/net/listen.ts';
import { selfSigned } from '../support/self-signed.ts';

const CERTIFICATE = selfSigned(['nas.test']);
const FROM_LOOPBACK = parseNetworkList('127.0.0.0/8').list;
const PROXY_LINE = 'PROXY TCP4 203.0.113.9 198.51.100.1 4321 443\r\n';
const PROXY_BINARY = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007109c633640110e101bb', 'hex');
const REQUEST = 'GET /films HTTP/1.1\r\nHost: nas.test\r\nConnection: close\r\n\r\n';
const ANSWER = /GET \/films e3b0c442/; // the hash of nothing

interface Door {
  readonly host: string;
  readonly port: number;
  readonly accepted: AcceptedConnection[];
  /** Reasons; one for each socket that was destroyed. */
  readonly refused: string[];
  /** The gateway's sides. */
  readonly sockets: Socket[];
}

const closers: (() => void)[] = [];

/** HTTP and TLS on one port, as the gateway has them: every answer repeats method and path, with a hash of the body. */
async function openDoor(options: Partial<AcceptOptions> = {}, host = '127.0.0.1'): Promise<Door> {
  const http = createHttpServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk) => hash.update(chunk));
    request.on('end', () => response.end(`${request.method} ${request.url} ${hash.digest('hex')}`));
  });
  const tls = createTlsServer(CERTIFICATE, (socket) => http.emit('connection', socket));
  tls.on('tlsClientError', () => {});
  const [accepted, refused, sockets]: [AcceptedConnection[], string[], Socket[]] = [[], [], []];
  const onRefused = (reason: string) => refused.push(reason);
  const settings = { proxyProtocolFrom: NetworkList.none, onRefused, ...options };
  const listeners = await listen({ addresses: [host], ports: [0], log: silentLog }, (socket) => {
    sockets.push(socket);
    acceptConnection(socket, settings, (connection) => {
      accepted.push(connection);
      (connection.protocol === 'tls' ? tls : http).emit('connection', socket);
    });
  });
  closers.push(() => {
    listeners.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host, port: listeners.addresses()[0]?.port ?? 0, accepted, refused, sockets };
}

async function enter({ host, port }: Door): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true }).on('error', () => {});
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends the pieces in packets of their own and reads until the end. */
async function say(door: Door, ...pieces: (string | Uint8Array)[]): Promise<string> {
  const socket = await enter(door);
  const answer = text(socket).catch(() => 'reset');
  for (const piece of pieces) {
    socket.write(piece);
    await nextTurn();
  }
  return answer;
}

/** A connection whose every byte travels alone. */
class Trickle extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (data) => this.push(data)).on('close', () => this.destroy());
  }

  override _read(): void {}

  override async _write(chunk: Buffer, _encoding: string, done: () => void): Promise<void> {
    for (const byte of chunk) {
      this.#socket.write(Uint8Array.of(byte));
      await nextTurn();
    }
    done();
  }
}

async function sayOverTls(connection: Duplex, words: string): Promise<string> {
  const secure = connectTls({ socket: connection, rejectUnauthorized: false });
  secure.write(words);
  return text(secure);
}

/** Until the gateway's side of the first connection is closed. */
async function closed(door: Door): Promise<void> {
  while (door.sockets[0] === undefined) await nextTurn();
  while (!door.sockets[0].closed) await nextTurn();
}

const test = suite('first byte');

test.after.each(() => {
  for (const close of closers.splice(0)) close();
});

for (const host of ['127.0.0.1', '::1']) {
  test(`HTTP and TLS share a port on ${host}`, async () => {
    const door = await openDoor({}, host);
    assert.match(await say(door, REQUEST), ANSWER);
    assert.match(await sayOverTls(await enter(door), REQUEST), ANSWER);
    const [http, tls] = door.accepted;
    const { peerPort } = http ?? {};
    const ends = { peerAddress: host, fromProxyHeader: false, localAddress: host, localPort: door.port };
    assert.equal(http, { protocol: 'http', peerPort, ...ends });
    assert.equal(tls, { protocol: 'tls', peerPort: tls?.peerPort, ...ends });
    assert.equal(door.refused, []);
  });
}

test('HTTP is whole when it comes byte by byte', async () => {
  assert.match(await say(await openDoor(), ...REQUEST), ANSWER);
});

test('TLS is whole when it comes byte by byte', async () => {
  const door = await openDoor();
  assert.match(await sayOverTls(new Trickle(await enter(door)), REQUEST), ANSWER);
});

test('no byte of a large body is lost, whatever came with the first one', async () => {
  const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 31) >> 3));
  const hash = createHash('sha256').update(body).digest('hex');
  const head = `POST /upload HTTP/1.1\r\nHost: nas.test\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  const door = await openDoor();
  const answer = new RegExp(`POST /upload ${hash}`);
  assert.match(await say(door, Buffer.concat([Buffer.from(head), body])), answer);
  assert.match(await say(door, 'P', head.slice(1), body), answer);
});

test('requests in one packet are all answered', async () => {
  const pipelined = REQUEST.replace('/films', '/one').replace('Connection: close\r\n', '') + REQUEST;
  assert.match(await say(await openDoor(), pipelined), /GET \/one .*GET \/films /s);
});

test('a client that ends its side with the request is answered', async () => {
  for (const pieces of [[REQUEST], [REQUEST.slice(0, 1), REQUEST.slice(1)]]) {
    const socket = await enter(await openDoor());
    const answer = text(socket);
    for (const piece of pieces) {
      socket.write(piece);
      await nextTurn();
    }
    socket.end();
    assert.match(await answer, ANSWER);
  }
});

test('other first bytes are left to the HTTP parser, which answers 400', async () => {
  for (const nonsense of [
    '\0\0\0\0',
    '\x15\x03\x01\0\x02',
    '\x80\x2e\x01\x03',
    'SSH-2.0-client\r\n',
    PROXY_LINE,
    PROXY_BINARY,
  ]) {
    const door = await openDoor();
    assert.match(await say(door, nonsense, '\r\n\r\n'), /^HTTP\/1.1 400 |^reset$/);
    assert.is(door.accepted[0]?.protocol, 'http');
  }
});

test('the socket is handed over neither flowing nor paused, so that its taker may do either', async () => {
  const handed: Socket[] = [];
  const listeners = await listen({ addresses: ['127.0.0.1'], ports: [0], log: silentLog }, (socket) => {
    acceptConnection(socket, { proxyProtocolFrom: NetworkList.none }, () => {
      assert.is(socket.readableFlowing, null);
      handed.push(socket.on('data', () => assert.is(socket.isPaused(), false)).pause());
    });
  });
  const door = {
    host: '127.0.0.1',
    port: listeners.addresses()[0]?.port ?? 0,
    accepted: [],
    refused: [],
    sockets: handed,
  };
  closers.push(() => listeners.close());
  const client = await enter(door);
  client.write('early');
  while (handed.length === 0) await nextTurn();
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  const [socket] = handed;
  assert.is(socket?.readableLength, 5);
  socket?.resume();
  assert.equal((await once(socket as Socket, 'data')).toString(), 'early');
  socket?.destroy();
});

test('a silent client is dropped after the deadline', async () => {
  const door = await openDoor({ firstByteTimeoutMs: 50 });
  const socket = await enter(door);
  assert.is(await text(socket), '');
  assert.equal(door.refused, ['the peer stayed silent']);
  assert.equal(door.accepted, []);
});

test('the deadline ends with the first byte', async () => {
  const door = await openDoor({ firstByteTimeoutMs: 800 });
  const socket = await enter(door);
  const answer = text(socket);
  socket.write(REQUEST.slice(0, 1));
  while (door.accepted.length === 0) await nextTurn();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  socket.write(REQUEST.slice(1));
  assert.match(await answer, ANSWER);
});

test('a client that leaves without a word is forgotten', async () => {
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const door = await openDoor();
    const socket = await enter(door);
    socket[leave]();
    await closed(door);
    assert.equal(door.accepted, [], leave);
  }
});

test('a connection that is closed before anybody looks at it is destroyed', async () => {
  const door = await openDoor();
  const socket = await enter(door);
  await say(door, REQUEST);
  const [first] = door.sockets;
  first?.destroy();
  await closed(door);
  acceptConnection(first as Socket, { proxyProtocolFrom: NetworkList.none }, () => assert.unreachable());
  socket.destroy();
});

test.run();

const proxied = suite('first byte behind a PROXY header');

proxied.after.each(() => {
  for (const close of closers.splice(0)) close();
});

for (const [version, header] of [
  ['1', Buffer.from(PROXY_LINE)],
  ['2', PROXY_BINARY],
] as const) {
  proxied(`version ${version} names the client, over HTTP and TLS`, async () => {
    const door = await openDoor({ proxyProtocolFrom: FROM_LOOPBACK });
    assert.match(await say(door, Buffer.concat([header, Buffer.from(REQUEST)])), ANSWER);
    const socket = await enter(door);
    socket.write(header);
    assert.match(await sayOverTls(socket, REQUEST), ANSWER);
    for (const { peerAddress, peerPort, fromProxyHeader, localPort } of door.accepted) {
      assert.equal([peerAddress, peerPort, fromProxyHeader, localPort], ['203.0.113.9', 4321, true, door.port]);
    }
    assert.equal(
      door.accepted.map(({ protocol }) => protocol),
      ['http', 'tls'],
    );
  });

  proxied(`version ${version} may be split at every byte`, async () => {
    const door = await openDoor({ proxyProtocolFrom: FROM_LOOPBACK });
    const whole = Buffer.concat([header, Buffer.from(REQUEST)]);
    for (let at = 1; at <= header.length + 1; at++) {
      assert.match(await say(door, whole.subarray(0, at), whole.subarray(at)), ANSWER, `split at ${at}`);
    }
    assert.ok(door.accepted.every(({ peerAddress }) => peerAddress === '203.0.113.9'));
    assert.equal(door.refused, []);
  });
}

proxied('a header that names nobody leaves the connection its own address', async () => {
  const door = await openDoor({ proxyProtocolFrom: FROM_LOOPBACK });
  assert.match(await say(door, 'PROXY UNKNOWN\r\n', REQUEST), ANSWER);
  assert.match(await say(door, Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'), REQUEST), ANSWER);
  for (const { peerAddress, fromProxyHeader } of door.accepted)
    assert.equal([peerAddress, fromProxyHeader], ['127.0.0.1', false]);
});

proxied('a required header that is missing or malformed ends the connection unanswered', async () => {
  for (const words of [
    REQUEST,
    'PROXY TCP4 x\r\n',
    PROXY_LINE.toLowerCase(),
    '\x16\x03\x01',
    `PROXY ${'x'.repeat(200)}`,
  ]) {
    const door = await openDoor({ proxyProtocolFrom: FROM_LOOPBACK });
    assert.match(await say(door, words), /^(reset)?$/);
    assert.match(door.refused[0] ?? '', /^a PROXY header is required: /);
    assert.equal(door.accepted, []);
  }
});

proxied('a second header is no header any more', async () => {
  const door = await openDoor({ proxyProtocolFrom: FROM_LOOPBACK });
  assert.match(
    await say(door, PROXY_LINE, PROXY_LINE.replace('203.0.113.9', '192.168.1.5'), REQUEST),
    /^HTTP\/1.1 400 |^reset$/,
  );
  assert.is(door.accepted[0]?.peerAddress, '203.0.113.9');
});

proxied('silence behind the header counts as silence', async () => {
  const door = await openDoor({ proxyProtocolFrom: FROM_LOOPBACK, firstByteTimeoutMs: 500 });
  assert.is(await say(door, PROXY_LINE), '');
  assert.equal(door.refused, ['the peer stayed silent']);
});

proxied('other peers need no header', async () => {
  const door = await openDoor({ proxyProtocolFrom: parseNetworkList('192.168.1.3').list });
  assert.match(await say(door, REQUEST), ANSWER);
});

proxied.run();
