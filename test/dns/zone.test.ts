import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnswerMode } from '../../src/dns/facts.ts';
import { askTcp, askUdp, type Reply } from './ask.ts';
import {
  GATEWAY,
  GATEWAY_V6,
  PUBLIC,
  SECOND_LAN_GATEWAY,
  SERVER,
  SERVER_V6,
  type SiteValues,
  siteValues,
  withDns,
  ZONE,
} from './site.ts';

const NODATA = 'NODATA';

/** What a reply amounts to: its addresses, NODATA, or its RCODE. */
function outcome(reply: Reply): string {
  if (reply.rcode !== 'NOERROR') return reply.rcode;
  return reply.answers.length === 0 ? NODATA : reply.answers.join(' ');
}

async function outcomes(
  questions: readonly (readonly [string, string])[],
  changes: { answer?: AnswerMode; values?: Partial<SiteValues> } = {},
): Promise<string[]> {
  const found: string[] = [];
  await withDns(
    { answer: changes.answer ?? 'gateway' },
    async (_, port) => {
      for (const [name, type] of questions) {
        const overUdp = await askUdp(name, type, { port });
        const overTcp = await askTcp(name, type, { port });
        assert.equal(overTcp.bytes, overUdp.bytes, `${name} ${type}: TCP and UDP agree`);
        found.push(outcome(overUdp));
      }
    },
    siteValues(changes.values),
  );
  return found;
}

/** One row per question: label, type, what comes back. Asked over UDP and TCP, in the direct path and beside it. */
async function table(
  rows: readonly (readonly [string, string, string])[],
  changes: Parameters<typeof outcomes>[1] = {},
): Promise<void> {
  const found = await outcomes(
    rows.map(([label, type]) => [label === '' ? ZONE : `${label}.${ZONE}`, type] as const),
    changes,
  );
  assert.equal(
    rows.map(([label, type], index) => [label, type, found[index]]),
    rows.map((row) => [...row]),
  );
}

const labels = suite('labels');

labels('an IPv4 label has an A record and nothing else', () =>
  table([
    ['192-168-1-10', 'A', GATEWAY],
    ['192-168-1-10', 'AAAA', NODATA],
    ['192-168-1-10', 'HTTPS', NODATA],
    ['192-168-1-10', 'TXT', NODATA],
    ['192-168-1-10', 'SOA', NODATA],
    ['192-168-1-10', 'ANY', NODATA],
  ]),
);

labels('an IPv6 label has an AAAA record and nothing else, in every spelling', () =>
  table([
    ['fd00-0-0-0-0-0-0-10', 'AAAA', GATEWAY_V6],
    ['fd00-0000-0000-0000-0000-0000-0000-0010', 'AAAA', GATEWAY_V6],
    ['FD00-0-0-0-0-0-0-10', 'AAAA', GATEWAY_V6],
    ['fd00--10', 'AAAA', GATEWAY_V6],
    ['fd00--10', 'A', NODATA],
    ['fd00--10', 'HTTPS', NODATA],
  ]),
);

labels('anything else does not exist', () =>
  table([
    ['192-168-1-010', 'A', 'NXDOMAIN'],
    ['192-168-1-256', 'A', 'NXDOMAIN'],
    ['192-168-1', 'A', 'NXDOMAIN'],
    ['192-168-1-10-1', 'A', 'NXDOMAIN'],
    ['fd00-0-0-0-0-0-0', 'AAAA', 'NXDOMAIN'],
    ['fd00--1--2', 'AAAA', 'NXDOMAIN'],
    ['fd00-0-0-0-0-0-0-00010', 'AAAA', 'NXDOMAIN'],
    ['www', 'A', 'NXDOMAIN'],
    ['-', 'A', 'NXDOMAIN'],
    ['x.192-168-1-10', 'A', 'NXDOMAIN'],
    ['192-168-1-10.192-168-1-10', 'A', 'NXDOMAIN'],
  ]),
);

labels('the zone itself has no address, but SOA and NS', async () => {
  await table([
    ['', 'A', NODATA],
    ['', 'AAAA', NODATA],
    ['', 'HTTPS', NODATA],
  ]);
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const soa = await askUdp(ZONE, 'SOA', { port });
    assert.is((soa.answers[0] as { minimum: number }).minimum, 60);
    const ns = await askUdp(ZONE, 'NS', { port });
    assert.equal(ns.answers, [`192-168-1-5.${ZONE}`]);
    assert.is(outcome(await askUdp(`192-168-1-5.${ZONE}`, 'A', { port })), GATEWAY, 'the name server can be found');
  });
});

labels('the letter case of a question comes back in its answer', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const name = `192-168-1-10.${ZONE.toUpperCase()}`;
    const reply = await askUdp(name, 'A', { port });
    assert.equal(reply.answers, [GATEWAY]);
    assert.is(reply.packet.questions?.[0]?.name, name);
    assert.is(reply.packet.answers?.[0]?.name, name);
    const missing = await askUdp(`WwW.${ZONE}`, 'A', { port });
    assert.is(missing.packet.questions?.[0]?.name, `WwW.${ZONE}`);
  });
});

labels('answers are authoritative and live for a minute; denials carry the SOA of the zone', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const yes = await askUdp(`192-168-1-10.${ZONE}`, 'A', { port });
    assert.ok(yes.isAuthoritative);
    assert.not.ok(yes.recursionAvailable);
    assert.is((yes.packet.answers?.[0] as { ttl?: number } | undefined)?.ttl, 60);
    for (const [name, type] of [
      [`192-168-1-10.${ZONE}`, 'AAAA'],
      [`www.${ZONE}`, 'A'],
      [`a.b.${ZONE}`, 'A'],
      [ZONE, 'TXT'],
    ] as const) {
      const no = await askUdp(name, type, { port });
      assert.ok(no.isAuthoritative, name);
      const soa = no.packet.authorities?.[0] as { type: string; name: string; ttl: number; data: { minimum: number } };
      assert.equal([soa.type, soa.name, soa.ttl, soa.data.minimum], ['SOA', ZONE, 60, 60], `${name} ${type}`);
    }
  });
});

labels.run();

const destinations = suite('where a name leads');

const PUBLIC_ELSEWHERE = '9.9.9.9';

destinations('names lead to the gateway on the network of the address in them', () =>
  table(
    [
      ['192-168-1-5', 'A', GATEWAY],
      ['10-7-0-5', 'A', SECOND_LAN_GATEWAY],
      ['192-168-1-10', 'A', GATEWAY],
      ['10-7-0-10', 'A', SECOND_LAN_GATEWAY],
      ['172-16-9-10', 'A', GATEWAY],
      ['fd00--5', 'AAAA', GATEWAY_V6],
      ['84-112-33-7', 'A', GATEWAY],
      ['9-9-9-9', 'A', PUBLIC_ELSEWHERE],
      ['2606-4700--1111', 'AAAA', '2606:4700::1111'],
    ],
    { values: { serverAddresses: [SERVER, SERVER_V6, '10.7.0.10', '172.16.9.10'] } },
  ),
);

destinations('literal names lead to the address that they spell', () =>
  table(
    [
      ['192-168-1-5', 'A', GATEWAY],
      ['192-168-1-10', 'A', SERVER],
      ['fd00--10', 'AAAA', SERVER_V6],
      ['84-112-33-7', 'A', PUBLIC],
      ['9-9-9-9', 'A', PUBLIC_ELSEWHERE],
      ['192-168-1-77', 'A', NODATA],
    ],
    { answer: 'literal' },
  ),
);

destinations('an address that is neither ours nor public gets no answer, whatever the mode', async () => {
  const foreign = [
    ['192-168-1-77', 'A', NODATA],
    ['10-0-0-1', 'A', NODATA],
    ['172-31-255-1', 'A', NODATA],
    ['127-0-0-1', 'A', NODATA],
    ['169-254-1-1', 'A', NODATA],
    ['0-0-0-0', 'A', NODATA],
    ['224-0-0-251', 'A', NODATA],
    ['255-255-255-255', 'A', NODATA],
    ['100-64-0-1', 'A', NODATA],
    ['192-0-2-1', 'A', NODATA],
    ['198-51-100-1', 'A', NODATA],
    ['--', 'AAAA', NODATA],
    ['--1', 'AAAA', NODATA],
    ['fe80--1', 'AAAA', NODATA],
    ['fd00--77', 'AAAA', NODATA],
    ['ff02--1', 'AAAA', NODATA],
    ['2001-db8--1', 'AAAA', NODATA],
    ['--ffff-c0a8-10a', 'AAAA', NODATA],
    ['0-0-0-0-0-ffff-909-909', 'AAAA', NODATA],
    ['--ffff-c0a8-10a', 'A', NODATA],
    ['64-ff9b--c0a8-101', 'AAAA', NODATA],
    ['2002-c0a8-101--1', 'AAAA', NODATA],
  ] as const;
  await table(foreign);
  await table(foreign, { answer: 'literal' });
});

destinations('every refused name is counted and logged with its address', async () => {
  const logged: unknown[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (fields: unknown) => logged.push(fields) };
  await withDns({ answer: 'gateway', log }, async (service, port) => {
    await askUdp(`192-168-1-77.${ZONE}`, 'A', { port });
    await askUdp(`192-168-1-77.${ZONE}`, 'TXT', { port });
    await askUdp(`192-168-1-10.${ZONE}`, 'A', { port });
    assert.is(service.counters().refusedAsRebinding, 2);
  });
  assert.equal(logged[0], { zone: ZONE, address: '192.168.1.77', client: '127.0.0.1' });
});

destinations('the public address leads to the gateway only while it listens on the external port', () =>
  table([['84-112-33-7', 'A', PUBLIC]], { values: { listensOnExternalPort: false } }),
);

destinations('never a loopback address, even when the server or the gateway is only known by one', async () => {
  const values = { serverAddresses: ['127.0.0.1'], gatewayAddresses: ['127.0.0.1', '::1', GATEWAY] };
  await table(
    [
      ['127-0-0-1', 'A', GATEWAY],
      ['--1', 'AAAA', NODATA],
    ],
    { values },
  );
  await table([['127-0-0-1', 'A', NODATA]], { values, answer: 'literal' });
  await table([['127-0-0-1', 'A', NODATA]], { values: { ...values, gatewayAddresses: ['127.0.0.1'] } });
});

destinations('a gateway without an address of the family has no data', () =>
  table(
    [
      ['fd00--10', 'AAAA', NODATA],
      ['192-168-1-10', 'A', GATEWAY],
    ],
    { values: { gatewayAddresses: [GATEWAY] } },
  ),
);

destinations.run();

const auto = suite('answer = "auto"');

auto(
  'leads to the gateway while it holds the certificate and listens on the published port, and says why when not',
  async () => {
    const values = siteValues();
    await withDns(
      { answer: 'auto' },
      async (service, port) => {
        const lookUp = async () => {
          await service.refresh();
          return outcome(await askUdp(`192-168-1-10.${ZONE}`, 'A', { port }));
        };
        assert.is(await lookUp(), GATEWAY);
        assert.equal(service.steering(), [
          {
            zone: ZONE,
            leadsTo: 'gateway',
            reason: 'the gateway holds the certificate and listens on the port that the media server publishes',
          },
        ]);
        values.listensOnPublishedPort = false;
        assert.is(await lookUp(), SERVER);
        assert.match(
          service.steering()[0]?.reason ?? '',
          /does not listen on the port that the media server publishes/,
        );
        values.listensOnPublishedPort = true;
        values.zones = [{ name: ZONE, holdsCertificate: false }];
        assert.is(await lookUp(), SERVER);
        assert.match(service.steering()[0]?.reason ?? '', /does not hold the certificate/);
      },
      values,
    );
  },
);

auto('zones are known without a certificate and follow the server', async () => {
  const values = siteValues({ zones: [] });
  await withDns(
    { answer: 'auto' },
    async (service, port) => {
      assert.is(outcome(await askUdp(`192-168-1-10.${ZONE}`, 'A', { port })), 'REFUSED');
      values.zones = [{ name: ZONE, holdsCertificate: false }];
      await service.refresh();
      assert.is(outcome(await askUdp(`192-168-1-10.${ZONE}`, 'A', { port })), SERVER);
      values.serverAddresses = ['192.168.1.11'];
      await service.refresh();
      assert.is(
        outcome(await askUdp(`192-168-1-10.${ZONE}`, 'A', { port })),
        NODATA,
        'the old address is nobody of ours',
      );
      assert.is(outcome(await askUdp(`192-168-1-11.${ZONE}`, 'A', { port })), '192.168.1.11');
    },
    values,
  );
});

auto('a changed interface shows within two seconds without being told', async () => {
  const values = siteValues();
  await withDns(
    { answer: 'gateway' },
    async (_, port) => {
      assert.is(outcome(await askUdp(`192-168-1-10.${ZONE}`, 'A', { port })), GATEWAY);
      values.gatewayAddresses = ['192.168.1.6'];
      values.networks = [];
      await new Promise((resolve) => setTimeout(resolve, 2000));
      assert.is(outcome(await askUdp(`192-168-1-10.${ZONE}`, 'A', { port })), '192.168.1.6');
    },
    values,
  );
});

auto.run();

const exact = suite('exact names');

exact('a certificate name leads to the gateway; what is beside or below it is not ours', async () => {
  const found = await outcomes([
    ['films.example.org', 'A'],
    ['FILMS.example.org', 'AAAA'],
    ['films.example.org', 'HTTPS'],
    ['x.films.example.org', 'A'],
    ['example.org', 'A'],
    ['other.example.org', 'A'],
  ]);
  assert.equal(found, [GATEWAY, GATEWAY_V6, NODATA, 'REFUSED', 'REFUSED', 'REFUSED']);
});

exact('a wildcard of the certificate adds nothing', async () => {
  const questions = [
    ['x.example.org', 'A'],
    ['*.example.org', 'A'],
  ] as const;
  assert.equal(await outcomes(questions, { values: { exactNames: ['*.example.org'] } }), ['REFUSED', 'REFUSED']);
});

exact('the zones above the own one are not ours', async () => {
  assert.equal(
    await outcomes([
      ['plex.direct', 'A'],
      [`192-168-1-10.${'f'.repeat(32)}.plex.direct`, 'A'],
    ]),
    ['REFUSED', 'REFUSED'],
  );
});

exact('a name of extreme length is answered, its denial truncated over UDP and whole over TCP', async () => {
  const name = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(59)}`;
  await withDns(
    {},
    async (_, port) => {
      assert.equal((await askUdp(name, 'A', { port })).answers, [GATEWAY]);
      const denied = await askUdp(name, 'TXT', { port });
      assert.ok(denied.isTruncated);
      assert.ok(denied.bytes.length <= 512);
      const whole = await askTcp(name, 'TXT', { port });
      assert.is(whole.packet.authorities?.[0]?.type, 'SOA');
    },
    siteValues({ exactNames: [name] }),
  );
});

exact.run();

const askers = suite('the asker');

askers('on loopback stands for others: the first gateway address, unless the name says which network', async () => {
  const values = { serverAddresses: [SERVER, '10.7.0.10'], gatewayAddresses: [SECOND_LAN_GATEWAY, GATEWAY] };
  const found = await outcomes(
    [
      ['films.example.org', 'A'],
      [`84-112-33-7.${ZONE}`, 'A'],
      [`192-168-1-10.${ZONE}`, 'A'],
      [`10-7-0-10.${ZONE}`, 'A'],
    ],
    { values },
  );
  assert.equal(found, [SECOND_LAN_GATEWAY, SECOND_LAN_GATEWAY, GATEWAY, SECOND_LAN_GATEWAY]);
});

askers.run();
