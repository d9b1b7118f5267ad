/** The TLS terminator: handshakes that begin in bytes already read, end in time, resume over swaps, and never throw. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createSecureContext, type SecureContextOptions } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ContextChooser, TlsCounters } from '../../src/tls/terminator.ts';
import { TicketKeys } from '../../src/tls/ticket-keys.ts';
import { makeCertificate, type TestCertificate, testAuthority } from '../support/certificates.ts';
import { type Front, look, openClient, rememberingLog, startFront } from './front.ts';
import { fingerprintOf } from './store-fixture.ts';

const first = makeCertificate({ names: ['films.test'], issuer: testAuthority() });
const second = makeCertificate({ names: ['films.test'], issuer: testAuthority() });

/** One certificate for everybody, with what the store gives all of its contexts. */
class OneCertificate implements ContextChooser {
  readonly #base: SecureContextOptions = { sessionIdContext: 'test' };
  #listener = () => {};
  defaultContextOptions: SecureContextOptions;

  constructor(certificate: TestCertificate) {
    this.defaultContextOptions = this.#optionsFor(certificate);
  }

  contextFor(serverName: string) {
    return serverName === 'films.test' ? createSecureContext(this.defaultContextOptions) : undefined;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  swap(certificate: TestCertificate): void {
    this.defaultContextOptions = this.#optionsFor(certificate);
    this.#listener();
  }

  #optionsFor({ certificatePem, chainPem, keyPem }: TestCertificate): SecureContextOptions {
    return { ...this.#base, cert: certificatePem + chainPem, key: keyPem };
  }
}

const test = suite<{ certificates: OneCertificate; front: Front; log: ReturnType<typeof rememberingLog> }>(
  'terminator',
);

test.before.each(async (context) => {
  context.certificates = new OneCertificate(first);
  context.log = rememberingLog();
  context.front = await startFront(context.certificates, { log: context.log });
});
test.after.each(async ({ front }) => {
  await front.close();
});

/** Of handshakes that are meant to take too long; the others have the usual time. */
const DEADLINE_MS = 400;
const COUNTER_DEADLINE_MS = 20_000;

/** Resolves once the counters are as they should be; rejects, showing them, when they never are. */
async function countersShow(front: Front, isMet: (counters: TlsCounters) => boolean): Promise<void> {
  const started = performance.now();
  while (!isMet(front.terminator.counters())) {
    if (performance.now() - started > COUNTER_DEADLINE_MS) throw new Error(JSON.stringify(front.terminator.counters()));
    await new Promise(setImmediate);
  }
}

function failureCounted(front: Front, code: string): Promise<void> {
  return countersShow(front, ({ failed }) => failed[code] !== undefined);
}

function handshakePending(front: Front): Promise<void> {
  return countersShow(front, ({ pending }) => pending > 0);
}

function handshakesOver(front: Front): Promise<void> {
  return countersShow(front, ({ pending }) => pending === 0);
}

async function openTcp(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Reads on until the connection is over, in order or by a reset: `once` of node:events would reject with that. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once('close', () => resolve()));
}

/** The ClientHello that node sends, as raw bytes. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [hello] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

test('openssl s_client completes a verified handshake and gets what was asked for', async ({ front }) => {
  const folder = await mkdtemp(join(tmpdir(), 'lockgate-terminator-'));
  await writeFile(`${folder}/root.pem`, first.rootPem);
  const client = spawn('openssl', [
    ...[
      's_client',
      '-connect',
      `127.0.0.1:${front.port}`,
      '-servername',
      'films.test',
      '-verify_hostname',
      'films.test',
    ],
    ...['-CAfile', `${folder}/root.pem`, '-verify_return_error', '-alpn', 'h2,http/1.1'],
  ]);
  let output = '';
  for (const stream of [client.stdout, client.stderr]) {
    stream.on('data', (bytes) => {
      output += bytes;
      if (output.includes('hello films.test')) client.stdin.end();
    });
  }
  await once(client, 'close');
  assert.match(output, 'Verify return code: 0 (ok)');
  assert.match(output, 'ALPN protocol: http/1.1');
  assert.match(output, 'hello films.test');
  await rm(folder, { recursive: true });
});

test('a ClientHello that arrives byte by byte is understood', async ({ front }) => {
  const hello = await clientHello();
  const socket = await openTcp(front.port);
  socket.setNoDelay(true);
  for (const byte of hello.subarray(0, 20)) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  socket.write(hello.subarray(20));
  const [answer] = await once(socket, 'data');
  assert.is(answer[0], 0x16);
  assert.is(answer[5], 0x02);
  socket.destroy();
});

test('a client that drips bytes does not outlive the deadline', async ({ certificates }) => {
  const front = await startFront(certificates, { handshakeTimeoutMs: DEADLINE_MS });
  const hello = await clientHello();
  const socket = await openTcp(front.port);
  const started = performance.now();
  let position = 0;
  const drip = setInterval(() => socket.write(hello.subarray(position, ++position)), 20);
  await closed(socket);
  clearInterval(drip);
  assert.ok(performance.now() - started > DEADLINE_MS - 50);
  assert.ok(position < hello.length, 'there was more to come');
  await failureCounted(front, 'ERR_TLS_HANDSHAKE_TIMEOUT');
  await front.close();
});

test('a client that stops after its ClientHello is let go at the deadline', async ({ certificates }) => {
  const front = await startFront(certificates, { handshakeTimeoutMs: DEADLINE_MS });
  const socket = await openTcp(front.port);
  socket.write(await clientHello());
  await closed(socket);
  await failureCounted(front, 'ERR_TLS_HANDSHAKE_TIMEOUT');
  await handshakesOver(front);
  await front.close();
});

test('nonsense, resets and early ends are counted and logged at debug, and the next client is served', async ({
  front,
  log,
}) => {
  const nonsense = await openTcp(front.port);
  nonsense.write(Buffer.concat([Buffer.from('160301', 'hex'), Buffer.alloc(64, 0xff)]));
  await closed(nonsense);
  const reset = await openTcp(front.port);
  reset.write((await clientHello()).subarray(0, 50));
  await handshakePending(front);
  reset.resetAndDestroy();
  const ended = await openTcp(front.port);
  ended.end(await clientHello());
  await closed(ended);
  await failureCounted(front, 'ECONNRESET');
  await handshakesOver(front);
  const { failed } = front.terminator.counters();
  assert.ok(Object.values(failed).reduce((sum, count) => sum + count, 0) >= 3, JSON.stringify(failed));
  assert.ok(log.entries.length >= 3);
  assert.ok(log.entries.every(({ level, message }) => level === 'debug' && message === 'TLS handshake failed'));
  assert.is((await look(front.port)).greeting, 'hello nobody\n');
});

test('a client that does not trust the certificate is a counted failure', async ({ front }) => {
  const socket = connect({ port: front.port, host: '127.0.0.1', ca: second.certificatePem });
  await once(socket, 'error');
  await once(socket, 'close');
  assert.is((await look(front.port)).greeting, 'hello nobody\n');
});

test('only HTTP/1 is agreed; a client that insists on something else is refused', async ({ front }) => {
  assert.is((await look(front.port, { ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1');
  assert.is((await look(front.port, { ALPNProtocols: ['http/1.0'] })).alpn, 'http/1.0');
  assert.is((await look(front.port)).alpn, false);
  const error = await look(front.port, { ALPNProtocols: ['h2'] }).then(
    () => undefined,
    (failure) => failure,
  );
  assert.match(String(error), 'no application protocol');
});

test('HTTP/2 is agreed while it is on', async ({ certificates }) => {
  let isOn = true;
  const front = await startFront(certificates, { offersHttp2: () => isOn });
  assert.is((await look(front.port, { ALPNProtocols: ['http/1.1', 'h2'] })).alpn, 'h2');
  assert.is((await look(front.port, { ALPNProtocols: ['http/1.1'] })).alpn, 'http/1.1');
  assert.is((await look(front.port)).alpn, false);
  isOn = false;
  assert.is((await look(front.port, { ALPNProtocols: ['http/1.1', 'h2'] })).alpn, 'http/1.1');
  await front.close();
});

test('a name that nobody has is served by the default certificate', async ({ front }) => {
  const shown = await look(front.port, { servername: 'stale.example' });
  assert.is(shown.greeting, 'hello stale.example\n');
  assert.is(shown.fingerprint, fingerprintOf(first));
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const servername of ['films.test', '']) {
    test(`${version} sessions of clients that ask for "${servername}" resume after the certificate was swapped`, async ({
      certificates,
      front,
    }) => {
      const options: ConnectionOptions = { servername, minVersion: version, maxVersion: version };
      const client = connect({ port: front.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
      const [[session]] = await Promise.all([once(client, 'session'), once(client, 'data')]);
      client.destroy();
      certificates.swap(second);
      const fresh = await look(front.port, options);
      assert.is(fresh.isResumed, false);
      assert.is(fresh.fingerprint, fingerprintOf(second));
      const resumed = await look(front.port, { ...options, session });
      assert.is(resumed.isResumed, true);
      assert.is(front.terminator.counters().resumed, 1);
    });
  }
}

test('ticket keys change after their lifetime: an old session gets a full handshake, and is served', async ({
  certificates,
}) => {
  const ticketKeys = TicketKeys.renewed(20);
  const front = await startFront(certificates, { ticketKeys });
  const client = connect({ port: front.port, host: '127.0.0.1', rejectUnauthorized: false });
  const [[session]] = await Promise.all([once(client, 'session'), once(client, 'data')]);
  client.destroy();
  const deadline = performance.now() + COUNTER_DEADLINE_MS;
  let isResumed = true;
  while (isResumed && performance.now() < deadline) isResumed = (await look(front.port, { session })).isResumed;
  assert.is(isResumed, false);
  ticketKeys.close();
  await front.close();
});

test('a handshake that began before a swap ends well', async ({ certificates, front }) => {
  const socket = connect({ port: front.port, host: '127.0.0.1', rejectUnauthorized: false });
  await handshakePending(front);
  certificates.swap(second);
  await once(socket, 'secureConnect');
  assert.ok([fingerprintOf(first), fingerprintOf(second)].includes(socket.getPeerCertificate().fingerprint256));
  socket.destroy();
});

test('each of many connections at once gets its own callback', async ({ front }) => {
  const names = Array.from({ length: 60 }, (_, index) => `client-${index}.test`);
  const greetings = await Promise.all(
    names.map(async (servername) => (await look(front.port, { servername })).greeting),
  );
  assert.equal(
    greetings,
    names.map((name) => `hello ${name}\n`),
  );
  assert.is(front.terminator.counters().completed, 60);
  await handshakesOver(front);
});

test('close ends handshakes under way and leaves secure connections alone', async ({ front }) => {
  const { socket: secure } = await openClient(front.port);
  const pending = await openTcp(front.port);
  pending.write((await clientHello()).subarray(0, 30));
  await handshakePending(front);
  front.terminator.close();
  await closed(pending);
  secure.write('alive');
  assert.is(String((await once(secure, 'data'))[0]), 'alive');
  secure.destroy();
});

test.run();
