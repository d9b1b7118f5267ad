import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DnsOptions, startDns } from '../../src/dns/server.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { freePort } from '../support/free-port.ts';
import { askTcp, askUdp, decode, exchange, framed, openTcp, question, readMessages } from './ask.ts';
import { dnsOptions, GATEWAY, network, portOf, SERVER, siteValues, withDns, ZONE } from './site.ts';

const NAME = `192-168-1-10.${ZONE}`;

async function failure(options: DnsOptions): Promise<GatewayError> {
  try {
    await (await startDns(options)).close();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('it started');
}

const listening = suite('listening');

listening('on IPv4 and IPv6, UDP and TCP, each on the port that it was given', async () => {
  await withDns({ listen: ['127.0.0.1:0', '[::1]:0'], answer: 'gateway' }, async (service) => {
    const [v4 = '', v6 = ''] = service.addresses();
    assert.match(v4, /^127\.0\.0\.1:\d+$/);
    assert.match(v6, /^\[::1\]:\d+$/);
    for (const target of [
      { port: portOf(v4), address: '127.0.0.1' },
      { port: portOf(v6), address: '::1' },
    ]) {
      assert.equal((await askUdp(NAME, 'A', target)).answers, [GATEWAY]);
      assert.equal((await askTcp(NAME, 'A', target)).answers, [GATEWAY]);
    }
  });
});

listening('a wildcard becomes the addresses of this host, and replies leave from the one that was asked', async () => {
  const values = siteValues({
    networks: ['127.0.0.2', '127.0.0.3'].map((address) => network('lo', address, '127.0.0.0/8')),
  });
  const port = await freePort();
  await withDns(
    { listen: [`0.0.0.0:${port}`], answer: 'gateway' },
    async (service) => {
      assert.equal([...service.addresses()].sort(), [`127.0.0.2:${port}`, `127.0.0.3:${port}`]);
      for (const address of ['127.0.0.2', '127.0.0.3']) {
        const { from } = await exchange(question(NAME, 'A'), { port, address });
        assert.equal([from.address, from.port], [address, port]);
      }
    },
    values,
  );
});

listening('a burst of different questions gets each its own answer, although one buffer writes them all', async () => {
  const serverAddresses = Array.from({ length: 200 }, (_, index) => `172.16.0.${index + 1}`);
  await withDns(
    { answer: 'literal' },
    async (_, port) => {
      const socket = createSocket('udp4').bind(0, '127.0.0.1');
      await once(socket, 'listening');
      const right = new Set<number>();
      const complete = new Promise<void>((resolve) => {
        socket.on('message', (bytes) => {
          const reply = decode(bytes);
          const id = reply.packet.id ?? 0;
          assert.equal(reply.answers, [serverAddresses[id]]);
          right.add(id);
          if (right.size === serverAddresses.length) resolve();
        });
      });
      serverAddresses.forEach((address, id) => {
        socket.send(question(`${address.replaceAll('.', '-')}.${ZONE}`, 'A', { id }), port, '127.0.0.1');
      });
      await complete;
      socket.close();
    },
    siteValues({ serverAddresses }),
  );
});

listening('follows the interfaces as addresses come and go', async () => {
  const values = siteValues({ networks: [network('lo', '127.0.0.2', '127.0.0.0/8')] });
  const port = await freePort();
  await withDns(
    { listen: [`0.0.0.0:${port}`], answer: 'gateway' },
    async (service) => {
      values.networks = [network('lo', '127.0.0.4', '127.0.0.0/8')];
      await service.refresh();
      assert.equal(service.addresses(), [`127.0.0.4:${port}`]);
      assert.equal((await askUdp(NAME, 'A', { port, address: '127.0.0.4' })).answers, [GATEWAY]);
    },
    values,
  );
});

listening('an address that a wildcard stands for and that is not ready is left out until it is', async () => {
  const values = siteValues({
    networks: [network('lo', '127.0.0.2', '127.0.0.0/8'), network('lan', '192.0.2.250', '192.0.2.0/24')],
  });
  await withDns(
    { listen: ['0.0.0.0:0'] },
    async (service) => {
      assert.is(service.addresses().length, 1);
      await service.refresh();
      assert.is(service.addresses().length, 1);
    },
    values,
  );
});

listening('says what to do when the port is taken, for UDP and for TCP alone', async () => {
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const port = udp.address().port;
  const taken = await failure(dnsOptions(siteValues(), { listen: [`127.0.0.1:${port}`] }));
  assert.equal([taken.code, taken.exitStatus], ['bind', 3]);
  assert.is(
    taken.sentence,
    `dns.listen: 127.0.0.1:${port} is in use (choose another port, for example 127.0.0.1:5354)`,
  );
  udp.close();

  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const tcpPort = (tcp.address() as { port: number }).port;
  assert.is((await failure(dnsOptions(siteValues(), { listen: [`127.0.0.1:${tcpPort}`] }))).code, 'bind');
  tcp.close();
  await withDns({ listen: [`127.0.0.1:${tcpPort}`] }, async () => {}); // nothing was left open
});

listening('names dnsmasq when port 53 is taken', async () => {
  const udp = createSocket('udp4').bind(53, '127.0.0.53');
  await once(udp, 'listening');
  const taken = await failure(dnsOptions(siteValues(), { listen: ['127.0.0.53:53'] }));
  assert.match(
    taken.sentence,
    /127\.0\.0\.53:53 is in use .*dnsmasq.*choose 127\.0\.0\.53:5354.*lockgate snippet dnsmasq/,
  );
  udp.close();
});

listening('refuses what is not an address of this host, and what cannot be read', async () => {
  const foreign = await failure(dnsOptions(siteValues(), { listen: ['192.0.2.250:0'] }));
  assert.match(foreign.sentence, /192\.0\.2\.250:0 is not an address of this host \(write one of its own/);
  for (const entry of ['5354', 'localhost:53', '127.0.0.1', '::1:53', '[127.0.0.1]:53', '127.0.0.1:99999', '']) {
    const unreadable = await failure(dnsOptions(siteValues(), { listen: [entry] }));
    assert.equal(
      [unreadable.code, unreadable.message],
      ['config', `dns.listen: ${JSON.stringify(entry)} cannot be read`],
    );
  }
});

listening.run();

const reload = suite('reload');

reload('takes new options on the same sockets, with the counters going on', async () => {
  const values = siteValues();
  const options = dnsOptions(values, { answer: 'literal' });
  const service = await startDns(options);
  const [address = ''] = service.addresses();
  const port = portOf(address);
  const socket = await openTcp({ port });
  assert.equal((await askUdp(NAME, 'A', { port })).answers, [SERVER]);
  await service.update({ ...options, answer: 'gateway' });
  assert.equal(service.addresses(), [address]);
  assert.equal((await askUdp(NAME, 'A', { port })).answers, [GATEWAY]);
  assert.is(service.counters().answered, 2);
  socket.write(framed(question(NAME, 'A')));
  assert.is((await readMessages(socket, 1)).length, 1, 'connections stay');
  socket.destroy();
  await service.close();
});

reload('moves to another address, and stays where it is when that cannot be had', async () => {
  const values = siteValues();
  const service = await startDns(dnsOptions(values, { listen: ['127.0.0.1:0'], answer: 'gateway' }));
  const before = service.addresses();
  const busy = createSocket('udp4').bind(0, '127.0.0.1');
  await once(busy, 'listening');
  const wanted = dnsOptions(values, { listen: ['127.0.0.2:0', `127.0.0.1:${busy.address().port}`] });
  await service.update(wanted).then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, GatewayError),
  );
  assert.equal(service.addresses(), before);
  assert.equal((await askUdp(NAME, 'A', { port: portOf(before[0] ?? '') })).answers, [GATEWAY]);
  busy.close();
  await service.update(dnsOptions(values, { listen: ['127.0.0.2:0'], answer: 'gateway' }));
  const [after = ''] = service.addresses();
  assert.equal((await askUdp(NAME, 'A', { port: portOf(after), address: '127.0.0.2' })).answers, [GATEWAY]);
  await service.close();
});

reload('an unreadable upstream changes nothing', async () => {
  const values = siteValues();
  await withDns({ answer: 'gateway' }, async (service, port) => {
    await service.update(dnsOptions(values, { upstreams: ['dns.example'] })).then(
      () => assert.unreachable(),
      (error: unknown) =>
        assert.match(
          (error as GatewayError).sentence,
          /"dns\.example" cannot be read \(a plain upstream is an address/,
        ),
    );
    assert.equal((await askUdp(NAME, 'A', { port })).answers, [GATEWAY]);
  });
});

reload.run();

const clients = suite('askers');

clients('outside allow_clients get REFUSED, never longer than the question', async () => {
  await withDns({ answer: 'gateway', allowsClient: () => false }, async (service, port) => {
    for (const edns of [{}, { edns: { udpPayloadSize: 4096 } }]) {
      const asked = question(NAME, 'A', edns);
      const { reply } = await exchange(asked, { port });
      assert.is(reply[3]! & 0x0f, 5);
      assert.ok(reply.length <= asked.length);
    }
    assert.is(service.counters().refused, 2);
  });
});

clients('are judged anew when the list changes', async () => {
  let isAllowed = false;
  const values = siteValues();
  const options = dnsOptions(values, { answer: 'gateway', allowsClient: () => isAllowed });
  const service = await startDns(options);
  const port = portOf(service.addresses()[0] ?? '');
  assert.is((await askUdp(NAME, 'A', { port })).rcode, 'REFUSED');
  isAllowed = true;
  await service.update(options);
  assert.equal((await askUdp(NAME, 'A', { port })).answers, [GATEWAY]);
  await service.close();
});

clients.run();
