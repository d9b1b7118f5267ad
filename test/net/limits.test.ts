import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { silentLog } from '../../src/lib/log.ts';
import { ConnectionLimits, clientKey } from '../../src/net/limits.ts';

const test = suite('connection limits');
let server: Server;
const sockets: Socket[] = [];

test.before.each(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

test.after.each(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** The gateway's side of a new connection. */
async function connection(): Promise<Socket> {
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port }).on('error', () => {});
  const [socket] = await once(server, 'connection');
  sockets.push(client, socket);
  return socket;
}

async function close(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
}

test('connections over the total are closed until others leave', async () => {
  const limits = new ConnectionLimits({ maxConnections: 2, maxConnectionsPerClient: 9 }, silentLog);
  const [first, second, third] = [await connection(), await connection(), await connection()];
  assert.ok(limits.admitConnection(first));
  assert.ok(limits.admitConnection(second));
  assert.not(limits.admitConnection(third));
  assert.ok(third.destroyed);
  assert.is(limits.openConnections, 2);
  assert.is(limits.refusedConnections, 1);
  await close(first);
  assert.is(limits.openConnections, 1);
  assert.ok(limits.admitConnection(await connection()));
});

test('one client cannot take the places of all', async () => {
  const limits = new ConnectionLimits({ maxConnections: 9, maxConnectionsPerClient: 1 }, silentLog);
  const first = await connection();
  assert.ok(limits.admitClient(first, '192.168.1.50'));
  const refused = await connection();
  assert.not(limits.admitClient(refused, '192.168.1.50'));
  assert.ok(limits.mayAnswer(refused));
  assert.ok(limits.admitClient(await connection(), '192.168.1.51'));
  await close(first);
  assert.ok(limits.admitClient(await connection(), '192.168.1.50'));
});

test('a few of those that are too many may be told, the others are closed', async () => {
  const limits = new ConnectionLimits({ maxConnections: 99, maxConnectionsPerClient: 0 }, silentLog);
  const answered: Socket[] = [];
  for (let socket = await connection(); limits.mayAnswer(socket); socket = await connection()) answered.push(socket);
  assert.is(answered.length, 16);
  assert.ok(sockets.at(-1)?.destroyed);
  await close(answered[0] as Socket);
  assert.ok(limits.mayAnswer(await connection()));
});

test('an IPv6 client is its /64', async () => {
  assert.is(clientKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.is(clientKey('192.168.1.50'), '192.168.1.50');
  const limits = new ConnectionLimits({ maxConnections: 9, maxConnectionsPerClient: 1 }, silentLog);
  assert.ok(limits.admitClient(await connection(), '2001:db8:1:2::1'));
  assert.not(limits.admitClient(await connection(), '2001:db8:1:2:ffff::2'));
  assert.ok(limits.admitClient(await connection(), '2001:db8:1:3::1'));
});

test('the table forgets a client with its last connection', async () => {
  const limits = new ConnectionLimits({ maxConnections: 9, maxConnectionsPerClient: 2 }, silentLog);
  const [first, second] = [await connection(), await connection()];
  limits.admitClient(first, '192.168.1.50');
  limits.admitClient(second, '192.168.1.50');
  assert.is(limits.openClients, 1);
  await close(first);
  assert.is(limits.openClients, 1);
  await close(second);
  assert.is(limits.openClients, 0);
});

test('new limits hold for connections to come', async () => {
  const limits = new ConnectionLimits({ maxConnections: 1, maxConnectionsPerClient: 1 }, silentLog);
  assert.ok(limits.admitConnection(await connection()));
  limits.update({ maxConnections: 2, maxConnectionsPerClient: 1 });
  assert.ok(limits.admitConnection(await connection()));
  limits.update({ maxConnections: 1, maxConnectionsPerClient: 1 });
  assert.not(limits.admitConnection(await connection()));
  assert.is(limits.openConnections, 2);
});

test('a refusal is logged with the limit and the client', async () => {
  const logged: LogFields[] = [];
  const log: Log = { ...silentLog, warn: (fields) => logged.push(fields) };
  const limits = new ConnectionLimits({ maxConnections: 0, maxConnectionsPerClient: 0 }, log);
  limits.admitConnection(await connection());
  limits.admitClient(await connection(), '2001:db8::1');
  assert.equal(logged, [
    { limit: 'limits.connections', client: undefined },
    { limit: 'limits.connections_per_client', client: '2001:db8::/64' },
  ]);
});

test.run();
