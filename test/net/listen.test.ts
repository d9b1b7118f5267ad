import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../src/lib/errors.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type ListenAddress, type Listeners, listen } from '../../src/net/listen.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const test = suite('listeners');
const open: { close(): unknown }[] = [];

test.after.each(() => {
  for (const listener of open.splice(0)) listener.close();
});

async function openListeners(
  addresses: string[],
  ports: number[],
  onConnection: (socket: Socket) => void = (socket) => socket.destroy(),
): Promise<Listeners> {
  const listeners = await listen({ addresses, ports, log: silentLog }, onConnection);
  open.push(listeners);
  return listeners;
}

async function refusal(addresses: string[], ports: number[]): Promise<GatewayError> {
  try {
    await openListeners(addresses, ports);
  } catch (error) {
    assert.instance(error, GatewayError);
    return error as GatewayError;
  }
  throw new Error('the listeners were opened');
}

/** A port that another program has. */
async function takenPort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  open.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What the listener says to a client of it. */
async function greeting({ address, port }: ListenAddress): Promise<string> {
  const socket = connect({ host: address, port });
  const [data] = await once(socket.setEncoding('utf8'), 'data');
  socket.destroy();
  return data;
}

test('every address is bound with every port, once', async () => {
  const [one, two] = [await freePort(), await freePort()];
  const listeners = await openListeners(['127.0.0.1', '::1', '127.0.0.1'], [one, two, one], (socket) =>
    socket.end(`${socket.localAddress} ${socket.localPort}`),
  );
  const expected = ['127.0.0.1', '::1'].flatMap((address) => [one, two].map((port) => ({ address, port })));
  assert.equal(listeners.addresses(), expected);
  for (const place of expected) assert.is(await greeting(place), `${place.address} ${place.port}`);
});

test('0.0.0.0 and :: share a port, and each gets its own family', async () => {
  const port = await freePort();
  const listeners = await openListeners(['0.0.0.0', '::'], [port], (socket) => socket.end(`${socket.localAddress}`));
  assert.equal(listeners.addresses(), [
    { address: '0.0.0.0', port },
    { address: '::', port },
  ]);
  assert.equal(listeners.warnings, []);
  assert.is(await greeting({ address: '127.0.0.1', port }), '127.0.0.1');
  assert.is(await greeting({ address: '::1', port }), '::1');
});

test(':: alone takes no IPv4', async () => {
  const listeners = await openListeners(['::'], [0]);
  const socket = connect({ host: '127.0.0.1', port: listeners.addresses()[0]?.port ?? 0 });
  const [error] = await once(socket, 'error');
  assert.is(error.code, 'ECONNREFUSED');
});

test('a port that is taken is an error with a way out, and nothing stays open', async () => {
  const [free, taken] = [await freePort(), await takenPort('127.0.0.1')];
  const error = await refusal(['127.0.0.1'], [free, taken]);
  assert.is(error.code, 'bind');
  assert.is(error.message, `listen.port: ${taken} is in use on 127.0.0.1`);
  assert.is(error.hint, 'another program listens there; choose another port, for example 32443');
  await openListeners(['127.0.0.1'], [free]);
});

test("the media server's own port makes one think of the media server", async () => {
  const other = createServer().listen(32400, '127.0.0.9');
  open.push(other);
  await once(other, 'listening').catch(() => 'somebody has it already, which is as good');
  const error = await refusal(['0.0.0.0'], [32400]);
  assert.is(
    error.sentence,
    'listen.port: 32400 is in use (is the media server on this host? choose another port, for example 32443)',
  );
});

test('an address of somebody else is an error that names it', async () => {
  const error = await refusal(['198.51.100.77'], [0]);
  assert.is(error.message, 'listen.addresses: "198.51.100.77" is not an address of this host');
  assert.match(error.hint ?? '', /"0.0.0.0" and "::"/);
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log('skipped: a port without the right to it (only root can give rights up)');
(isRoot ? test : test.skip)('a port below 1024 without the right to it is an error that says what is missing', () => {
  const source = `import { listen } from './src/net/listen.ts';
    listen({ addresses: ['127.0.0.1'], ports: [443], log: {} }, () => {}).catch((error) => console.log(error.code, error.sentence));`;
  const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const node = [process.execPath, '--input-type=module-typescript', '--eval', source];
  const said = execFileSync('setpriv', [...nobody, ...node], { encoding: 'utf8' });
  assert.match(said, /^permission listen.port: 443 needs more rights \(.*CAP_NET_BIND_SERVICE/);
});

test('closing gives the port back at once and leaves open connections alone', async () => {
  const sockets: Socket[] = [];
  const listeners = await openListeners(['127.0.0.1'], [0], (socket) => sockets.push(socket.resume()));
  const port = listeners.addresses()[0]?.port ?? 0;
  const client = connect({ host: '127.0.0.1', port }).setEncoding('utf8');
  await once(client, 'connect');
  await until(() => sockets.length === 1, 'the connection is taken');
  listeners.close();
  await openListeners(['127.0.0.1'], [port]);
  sockets[0]?.write('still here');
  assert.equal(await once(client, 'data'), ['still here']);
  sockets[0]?.destroy();
});

test('a client that ends its side still gets its answer', async () => {
  const listeners = await openListeners(['127.0.0.1'], [0], (socket) => {
    socket.resume().on('end', () => setImmediate(() => socket.end('answer')));
  });
  const client = connect({ host: '127.0.0.1', port: listeners.addresses()[0]?.port ?? 0 }).setEncoding('utf8');
  client.end('question');
  assert.equal(await once(client, 'data'), ['answer']);
});

test('nothing is read before somebody wants it', async () => {
  const accepted: Socket[] = [];
  const listeners = await openListeners(['127.0.0.1'], [0], (socket) => accepted.push(socket));
  const client = connect({ host: '127.0.0.1', port: listeners.addresses()[0]?.port ?? 0 });
  await new Promise((written) => client.write('early', written));
  await until(() => accepted.length === 1, 'the connection is taken');
  await openListeners(['127.0.0.1'], [0]); // a round through the event loop
  const [socket] = accepted;
  assert.is(socket?.bytesRead, 0);
  const [data] = await once(socket?.setEncoding('utf8').resume() as Socket, 'data');
  assert.is(data, 'early');
  socket?.destroy();
  client.destroy();
});

test.run();
