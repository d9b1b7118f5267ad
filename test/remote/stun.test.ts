/** The STUN client against servers that tell the truth, that lie, and that are not there; and the other sources of the public address. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askPublicAddress, readEcho } from '../../src/remote/public-address.ts';
import { askStun, bindingRequest, readBindingAnswer } from '../../src/remote/stun.ts';
import { inTime } from '../support/in-time.ts';

const stun = suite<{ sockets: Socket[] }>('STUN');

stun.before.each((context) => {
  context.sockets = [];
});
stun.after.each(({ sockets }) => {
  for (const socket of sockets) socket.close();
});

/** RFC 5769 section 2.2: a server's answer that carries 192.0.2.1:32853, and section 2.3 with an IPv6 address. */
const TRANSACTION = 'b7e7a701bc34d686fa87dfae';
const IPV4_ANSWER = Buffer.from(`0101000c2112a442${TRANSACTION}002000080001a147e112a643`, 'hex');
const IPV6_ANSWER = Buffer.from(
  `010100182112a442${TRANSACTION}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9`,
  'hex',
);

async function startServer(context: { sockets: Socket[] }, answer: (question: Buffer, from: RemoteInfo) => Buffer[]) {
  const socket = createSocket('udp4');
  context.sockets.push(socket);
  socket.on('message', (question: Buffer, from) => {
    for (const datagram of answer(question, from)) socket.send(datagram, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

/** A success answer with these attributes behind the head of `question`. */
function success(question: Buffer, attributes: string): Buffer {
  const body = Buffer.from(attributes, 'hex');
  const head = Buffer.from(question);
  head.writeUInt16BE(0x0101, 0);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

stun('the test vectors of RFC 5769 are read', () => {
  const request = bindingRequest(Buffer.from(TRANSACTION, 'hex'));
  assert.is(readBindingAnswer(IPV4_ANSWER, request), '192.0.2.1');
  assert.is(readBindingAnswer(IPV6_ANSWER, request), '2001:db8:1234:5678:11:2233:4455:6677');
});

stun('attributes that are not understood are passed over, padding included', () => {
  const request = bindingRequest(Buffer.from(TRANSACTION, 'hex'));
  assert.is(readBindingAnswer(success(request, '8022000378797a00002000080001a147e112a643'), request), '192.0.2.1');
});

stun('what is not an answer to this question is none', () => {
  const request = bindingRequest(Buffer.from(TRANSACTION, 'hex'));
  const wrong = {
    'another transaction': success(bindingRequest(Buffer.alloc(12, 1)), '002000080001a147e112a643'),
    'an error': Buffer.concat([Buffer.from([0x01, 0x11]), IPV4_ANSWER.subarray(2)]),
    'a length that lies': Buffer.concat([IPV4_ANSWER, Buffer.from([0])]),
    'an attribute beyond the end': success(request, '002000ff0001a147e112a643'),
    'an unknown family': success(request, '002000080003a147e112a643'),
    'no address': success(request, ''),
    'a head alone': IPV4_ANSWER.subarray(0, 12),
    nothing: Buffer.alloc(0),
  };
  for (const [what, datagram] of Object.entries(wrong))
    assert.is(readBindingAnswer(datagram, request), undefined, what);
});

stun('a server is asked again until it answers, and garbage is passed over', async (context) => {
  let asked = 0;
  const port = await startServer(context, (question) => {
    asked += 1;
    const cookie = [0x21, 0x12, 0xa4, 0x42];
    const masked = [9, 0, 0, 2].map((byte, index) => byte ^ (cookie[index] ?? 0));
    const value = Buffer.from([0, 1, 0, 0, ...masked]).toString('hex');
    return asked === 1 ? [] : [Buffer.from('garbage'), success(question, `00200008${value}`)];
  });
  assert.is(await askStun('127.0.0.1', port), '9.0.0.2');
  assert.is(asked, 2);
});

stun('a port where nobody listens is known at once', async () => {
  assert.is(await inTime(400, askStun('127.0.0.1', 9)), undefined);
});

stun('a name that leads nowhere is no answer', async () => {
  assert.is(await askStun('no-such-host.invalid', 3478), undefined);
});

stun.run();

const address = suite<{ server: Server; url: string; body: string; status: number; asked: string[] }>('public address');

address.before.each(async (context) => {
  Object.assign(context, { body: '9.0.0.2', status: 200, asked: [] });
  context.server = createServer((request, response) => {
    context.asked.push(request.url ?? '');
    response.statusCode = context.status;
    response.end(context.body);
  }).listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  const bound = context.server.address();
  context.url = `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`;
});
address.after.each(async ({ server }) => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

address('auto asks the service of the account, and nobody when there is none', async ({ url, asked }) => {
  const found = await askPublicAddress({ setting: 'auto', autoUrl: `${url}/:/ip` });
  assert.equal(found, { state: 'known', address: '9.0.0.2', from: new URL(url).host });
  assert.equal(asked, ['/:/ip']);
  const nobody = await askPublicAddress({ setting: 'auto', autoUrl: undefined });
  assert.is(nobody.state, 'unknown');
});

address('none asks nobody, and an address is taken as it is', async ({ url, asked }) => {
  const none = await askPublicAddress({ setting: 'none', autoUrl: url });
  assert.equal(none, { state: 'unknown', because: 'public_address = "none": nobody is asked', remedy: '' });
  const fixed = await askPublicAddress({ setting: '8.8.4.4', autoUrl: url });
  assert.equal(fixed, { state: 'known', address: '8.8.4.4', from: 'the configuration' });
  assert.equal(asked, []);
});

address('an echo that is no single address is no answer', async (context) => {
  for (const body of ['', 'hello', '9.0.0.2 and 8.8.4.4', '9.0.0.300', 'x'.repeat(5000), '1.2.3']) {
    context.body = body;
    const found = await askPublicAddress({ setting: 'auto', autoUrl: context.url });
    assert.is(found.state, 'unknown', body.slice(0, 20));
  }
  Object.assign(context, { body: '9.0.0.2', status: 503 });
  assert.is((await askPublicAddress({ setting: 'auto', autoUrl: context.url })).state, 'unknown');
});

address('echoes of many kinds are read', () => {
  assert.is(readEcho('9.0.0.2\n'), '9.0.0.2');
  assert.is(readEcho('{"ip":"2a00:0:0::1"}'), '2a00::1');
  assert.is(readEcho('<ip>9.0.0.2</ip>'), '9.0.0.2');
  assert.is(readEcho('Current IP Address: 9.0.0.2'), '9.0.0.2');
});

address('a service that is silent is said to be', async ({ server, url }) => {
  server.removeAllListeners('request');
  const found = await inTime(10_000, askPublicAddress({ setting: 'auto', autoUrl: url }));
  assert.is(found.state, 'unknown');
});

address.run();
