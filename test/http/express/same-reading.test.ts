/** The two readers of request heads see the same bytes: what the express lane accepts, Node's parser and `readHead` read alike. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RequestReader } from '../../../src/http/express/request-reader.ts';
import { readHead } from '../../../src/http/message.ts';
import { Choices } from '../../access/random.ts';

const CONNECTIONS = 4_000;
const AT_ONCE = 100;
const MAX_BYTES = 2_048;
/** Comes last on each connection: it shows where the readers think that the requests before it ended. */
const LAST = 'GET /last-one HTTP/1.1\r\nHost: last\r\n\r\n';

interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
}

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'get', 'GETS', 'OPTIONS', 'HEAD '];
const TARGETS = [
  '/',
  '/a/b?c=d&e',
  '//x',
  '/%2e%2e/',
  '/a#b',
  '*',
  'http://h/',
  'a',
  '/\u00e9',
  '/a b',
  '/?',
  '/\\',
  '/"<>',
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/11',
  'HTTP/2.0',
];
const LINES = [
  'Host: a',
  'Host: a',
  'Host: a',
  'host:b.example:80',
  'Host: [::1]:1',
  'Host: a/b@c',
  'Host:',
  'Accept: */*',
  'X-Plex-Token: 12345678901234567890',
  'X-Empty:',
  'X-Space: ',
  'X-Tab:\ta',
  'X-Two:  a',
  'X-End: a ',
  'X-EndTab: a\t',
  'X-Inner: a \t b',
  'X-Latin: \u00e9',
  'X-Control: a\u0001b',
  'X-Delete: a\u007fb',
  'X-Null: a\0b',
  'X Space: a',
  'X-Blank : a',
  ' X-Fold: a',
  '\tfolded',
  'No colon',
  ': no name',
  'X-\u00e9: a',
  'X-(): a',
  'Connection: keep-alive',
  'Connection: Keep-Alive',
  'Connection: close',
  'Connection: keep-alive, X-Foo',
  'Connection: upgrade',
  'Keep-Alive: timeout=5',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: +0',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'TE: trailers',
  'Trailer: X',
  'Origin: https://a',
  'Origin: https://b',
  'Range: bytes=0-1',
  'Cookie: a=b; c=d',
  'X-Long: '.padEnd(900, 'y'),
];
const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\r\n'];
const BYTES = [
  '\0',
  '\t',
  '\n',
  '\r',
  ' ',
  ':',
  ';',
  ',',
  '/',
  '?',
  '#',
  '"',
  '\x7f',
  '\x80',
  '\xff',
  'A',
  '\r\n',
  '\r\n\r\n',
];

/** Bytes of one connection: a few requests, mostly good ones, sometimes with the fields of the one before, sometimes damaged. */
function makeConnection(choices: Choices): string {
  const count = 1 + choices.below(4);
  let fields = makeFields(choices);
  let text = '';
  for (let index = 0; index < count; index++) {
    if (choices.chance(0.3)) fields = makeFields(choices);
    text += makeRequest(choices, fields);
  }
  text += LAST;
  return choices.chance(0.3) ? damage(text, choices) : text;
}

function makeRequest(choices: Choices, fields: string): string {
  const isGood = choices.chance(0.8);
  const method = isGood ? choices.of(['GET', 'HEAD']) : choices.of(METHODS);
  const target = isGood ? choices.of(['/', '/a/b?c=d&e', '//x', '/%2e%2e/', '/?', '/\\']) : choices.of(TARGETS);
  const version = isGood ? 'HTTP/1.1' : choices.of(VERSIONS);
  return `${method} ${target} ${version}${isGood ? '\r\n' : choices.of(LINE_ENDS)}${fields}\r\n`;
}

function makeFields(choices: Choices): string {
  const isGood = choices.chance(0.6);
  const lines = isGood ? ['Host: a'] : [];
  const usable = isGood ? LINES.slice(7, 11) : LINES;
  for (let count = choices.below(6); count > 0; count--) lines.push(choices.of(usable));
  return lines.map((line) => line + (choices.chance(0.95) ? '\r\n' : choices.of(LINE_ENDS))).join('');
}

/** One byte inserted, deleted or replaced, or a piece doubled. */
function damage(text: string, choices: Choices): string {
  const at = choices.below(text.length);
  const insert = choices.chance(0.7) ? choices.of(BYTES) : text.slice(at, at + 1 + choices.below(20)).repeat(2);
  return text.slice(0, at) + insert + text.slice(at + choices.below(3));
}

/** What the express lane would serve itself, up to the first doubt. */
function readExpress(text: string): SeenRequest[] {
  const reader = new RequestReader(MAX_BYTES);
  const seen: SeenRequest[] = [];
  let rest = text;
  while (rest !== '') {
    const request = reader.read(rest);
    if (typeof request === 'string') break;
    const { method, target, rawHeaders, hasBody, upgrade, httpVersion } = request.head;
    assert.equal({ hasBody, upgrade, httpVersion }, { hasBody: false, upgrade: false, httpVersion: '1.1' });
    seen.push({ method, target, rawHeaders });
    rest = rest.slice(request.byteLength);
  }
  return seen;
}

/** What the full lane's parser and guards make of the same bytes. */
class NodeReader {
  readonly #server: Server;
  readonly #seen = new Map<number, SeenRequest[]>();

  constructor() {
    this.#server = createServer({ insecureHTTPParser: false, requireHostHeader: false, keepAliveTimeout: 100 });
    this.#server.on('request', (request, response) => {
      const { method = '', url: target = '', rawHeaders, httpVersion } = request;
      const reading = readHead({ method, target, httpVersion, rawHeaders });
      const isPlain = reading.readable && !reading.head.hasBody && !reading.head.upgrade && response.shouldKeepAlive;
      if (isPlain) this.#seen.get(request.socket.remotePort ?? 0)?.push({ method, target, rawHeaders });
      if (target === '/last-one' || !isPlain) response.shouldKeepAlive = false;
      response.end();
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async read(text: string): Promise<SeenRequest[]> {
    const { port } = this.#server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const seen: SeenRequest[] = [];
    const { localPort = 0 } = socket;
    this.#seen.set(localPort, seen);
    socket.resume();
    socket.end(Buffer.from(text, 'latin1'));
    await once(socket, 'close');
    this.#seen.delete(localPort);
    return seen;
  }

  close(): void {
    this.#server.close();
  }
}

test('what the express lane accepts, the full lane reads in the same way', async () => {
  const choices = new Choices(20_260_101);
  const node = new NodeReader();
  await node.listen();
  const counts = { accepted: 0, handedOver: 0, withAllAccepted: 0 };
  const check = async () => {
    const text = makeConnection(choices);
    const express = readExpress(text);
    counts.accepted += express.length;
    if (express.at(-1)?.target === '/last-one') counts.withAllAccepted += 1;
    else counts.handedOver += 1;
    if (express.length === 0) return;
    const full = await node.read(text);
    assert.equal(full.slice(0, express.length), express, JSON.stringify(text));
  };
  try {
    for (let done = 0; done < CONNECTIONS; done += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, check));
  } finally {
    node.close();
  }
  assert.ok(counts.accepted > CONNECTIONS / 2, JSON.stringify(counts));
  assert.ok(counts.handedOver > CONNECTIONS / 10, JSON.stringify(counts));
  assert.ok(counts.withAllAccepted > CONNECTIONS / 10, JSON.stringify(counts));
});

test('a head in pieces is incomplete at every byte before its last, and then the same', () => {
  const text = 'GET /a?b HTTP/1.1\r\nHost: a\r\nX-Plex-Token: t\r\n\r\n';
  for (let length = 1; length < text.length; length++) {
    assert.is(new RequestReader(MAX_BYTES).read(text.slice(0, length)), 'incomplete', `${length} bytes`);
  }
  const request = new RequestReader(MAX_BYTES).read(text);
  assert.is(typeof request === 'object' && request.byteLength, text.length);
});

test('a head over the bound is not for the express lane, with or without its end', () => {
  const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(MAX_BYTES)}`;
  assert.is(new RequestReader(MAX_BYTES).read(long), 'doubtful');
  assert.is(new RequestReader(MAX_BYTES).read(`${long}\r\n\r\n`), 'doubtful');
});

test('the fields of the former request do not stand for other ones', () => {
  const reader = new RequestReader(MAX_BYTES);
  const targetOf = (text: string) => {
    const request = reader.read(text);
    return typeof request === 'object' ? [request.head.target, ...request.head.rawHeaders] : request;
  };
  assert.equal(targetOf('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'), ['/1', 'Host', 'a']);
  assert.equal(targetOf('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'), ['/2', 'Host', 'a']);
  assert.equal(targetOf('GET /3 HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n'), ['/3', 'Host', 'a', 'X', '1']);
  assert.is(targetOf('GET /4 HTTP/1.1\r\nHost: a\r\nX: 1\r\nContent-Length: 1\r\n\r\n'), 'doubtful');
  assert.is(targetOf('GET /5 HTTP/1.1\r\nHost: a\r\nX: 1\r\n'), 'incomplete');
  assert.is(targetOf('GET /6 HTTP/1.1\r\n\r\n'), 'doubtful');
});

test.run();
