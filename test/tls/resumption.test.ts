/** Sessions as openssl keeps them in a file: resumed later, over a new certificate and a rotated leaf, until the ticket keys change. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AuthoritySource } from '../../src/tls/authority-source.ts';
import type { CertificateStore } from '../../src/tls/certificates.ts';
import { TicketKeys } from '../../src/tls/ticket-keys.ts';
import { type Front, look, openClient, startFront } from './front.ts';
import { type StoreContext, setUp, startStore, tearDown } from './store-fixture.ts';

interface Context extends StoreContext {
  addresses: string[];
  store: CertificateStore;
  front: Front;
}

const test = suite<Context>('resumption');

test.before.each(async (context) => {
  await setUp(context);
  context.addresses = ['127.0.0.1'];
  const source = new AuthoritySource({
    state: context.state,
    names: ['films.home.arpa'],
    hostName: 'nas',
    addresses: () => context.addresses,
  });
  context.store = await startStore(context, { sources: [source] });
  context.front = await startFront(context.store);
});
test.after.each(async (context) => {
  await context.front.close();
  await tearDown(context);
});

const VISIT_TIMEOUT_MS = 30_000;

/** One visit with s_client, until the greeting: `New` or `Reused`. The ticket of TLS 1.3 comes before the greeting, behind the handshake. */
async function visit({ port }: Front, version: string, ...flags: string[]): Promise<string | undefined> {
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, version, ...flags], {
    timeout: VISIT_TIMEOUT_MS,
  });
  let output = '';
  const read = (bytes: Buffer) => {
    output += bytes;
    if (output.includes('hello')) client.stdin.end();
  };
  client.stdout.on('data', read);
  client.stderr.on('data', read);
  await once(client, 'close');
  return /^(New|Reused), TLSv/m.exec(output)?.[1];
}

for (const version of ['-tls1_2', '-tls1_3']) {
  test(`s_client ${version} resumes its session, after the leaf was rotated too`, async (context) => {
    const session = join(context.folder, 'session.pem');
    assert.is(await visit(context.front, version, '-sess_out', session), 'New');
    assert.is(await visit(context.front, version, '-sess_in', session), 'Reused');
    const former = await look(context.front.port);
    context.addresses = ['192.168.1.77'];
    await context.store.reload();
    assert.is.not((await look(context.front.port)).fingerprint, former.fingerprint);
    assert.is(await visit(context.front, version, '-sess_in', session), 'Reused');
    assert.is(await visit(context.front, version), 'New');
  });
}

test('after the ticket keys have changed a kept session is simply a new one', async (context) => {
  const session = join(context.folder, 'session.pem');
  const ticketKeys = TicketKeys.renewed(1500);
  const front = await startFront(context.store, { ticketKeys });
  assert.is(await visit(front, '-tls1_3', '-sess_out', session), 'New');
  const deadline = performance.now() + 30_000;
  let last: string | undefined = 'Reused';
  while (last === 'Reused' && performance.now() < deadline) last = await visit(front, '-tls1_3', '-sess_in', session);
  assert.is(last, 'New');
  ticketKeys.close();
  await front.close();
});

test('the leaf of the private CA is rotated under open connections, which live on', async (context) => {
  const { store, front } = context;
  const ca = await rootOf(context);
  const clients = await Promise.all(Array.from({ length: 20 }, () => openClient(front.port)));
  const closed = new Set<unknown>();
  for (const { socket } of clients) socket.once('close', () => closed.add(socket));
  const leaves = new Set<string>();
  for (let round = 0; round < 10; round++) {
    context.addresses = ['127.0.0.1', `192.168.1.${round + 1}`];
    await store.reload();
    const { socket } = await openClient(front.port, { ca, rejectUnauthorized: true, servername: 'films.home.arpa' });
    leaves.add(socket.getPeerCertificate().fingerprint256);
    socket.destroy();
  }
  assert.is(leaves.size, 10);
  for (const { socket } of clients) {
    socket.write('still there');
    const [echo] = await once(socket, 'data');
    assert.is(String(echo), 'still there');
  }
  assert.is(closed.size, 0);
  for (const { socket } of clients) socket.destroy();
});

async function rootOf({ state }: StoreContext): Promise<string> {
  const { Authority } = await import('../../src/tls/authority.ts');
  return (await Authority.open({ state, names: [] })).certificatePem;
}

test.run();
