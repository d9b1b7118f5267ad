import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DiagnoseOptions, diagnoseDns, PUBLIC_RESOLVERS, readResolvConf } from '../../src/dns/diagnose.ts';
import type { DnsService } from '../../src/dns/server.ts';
import type { Check } from '../../src/ops/check.ts';
import { type Asked, a, answerTo, fakeUpstream } from './fake-upstream.ts';
import { startDnsmasq } from './programs.ts';
import { factsOf, portOf, SERVER, siteValues, withDns, ZONE } from './site.ts';

const NAME = `192-168-1-10.${ZONE}`;

/** What public DNS does: every name leads to the address that it spells. */
function literalDns({ query, bytes, send }: Asked): void {
  const { name = '', type } = query.questions?.[0] ?? {};
  const address = name.split('.')[0]?.replaceAll('-', '.') ?? '';
  if (type === 'TXT') send(answerTo(bytes, { rcode: 5 }));
  else send(answerTo(bytes, type === 'A' ? { answers: [a(name, address)] } : {}));
}

/** The same behind a box that withholds private addresses. */
function filteringBox(asked: Asked): void {
  const isPrivate = asked.query.questions?.[0]?.name.startsWith('192-168-') === true;
  if (isPrivate) asked.send(answerTo(asked.bytes));
  else literalDns(asked);
}

async function checks(service: DnsService | undefined, changes: Partial<DiagnoseOptions>): Promise<readonly Check[]> {
  const port = service === undefined ? 0 : portOf(service.addresses()[0] ?? '');
  return await diagnoseDns({
    facts: factsOf(siteValues()),
    answer: 'gateway',
    listen: ['127.0.0.1:5354'],
    gateway: service === undefined ? [] : [{ address: '127.0.0.1', port }],
    systemResolvers: [],
    upstreams: [],
    publicResolvers: [],
    ...changes,
  });
}

/** The check about one resolver whose answers are `handle`'s. */
async function checkOf(
  handle: (asked: Asked) => void,
  role: 'systemResolvers' | 'publicResolvers' | 'gateway',
): Promise<Check> {
  const resolver = await fakeUpstream(handle);
  const found = await checks(undefined, { [role]: [{ address: '127.0.0.1', port: resolver.port }] });
  await resolver.close();
  return found.find((check) => check.name.endsWith(`:${resolver.port}`))!;
}

const doctor = suite('the DNS part of doctor');

doctor('finds nothing wrong when gateway and system resolver lead to the gateway', async () => {
  await withDns({ answer: 'gateway' }, async (service, port) => {
    const found = await checks(service, { systemResolvers: [{ address: '127.0.0.1', port }] });
    assert.equal(
      found.map(({ verdict }) => verdict),
      ['ok', 'ok'],
    );
    assert.is(found[0]?.evidence, `127.0.0.1:${port} leads ${NAME} to 192.168.1.5, as it should`);
  });
});

doctor('names the box that drops private addresses, what to paste, and what is left when it is closed', async () => {
  const check = await checkOf(filteringBox, 'systemResolvers');
  assert.is(check.verdict, 'fault');
  assert.match(check.evidence, /drops the private one of .*: rebinding protection/);
  assert.match(check.remedy, /`lockgate snippet` prints for its kind/);
  for (const rest of [
    /public resolver \(1\.1\.1\.1 or 9\.9\.9\.9\).*TV/,
    /global IPv6/,
    /port 53/,
    /not on DSM/,
    /hosts file/,
  ]) {
    assert.match(check.remedy, rest);
  }
});

doctor('a resolver that leads past the gateway is a warning', async () => {
  const check = await checkOf(literalDns, 'systemResolvers');
  assert.is(check.verdict, 'warning');
  assert.match(check.evidence, /leads .* to 192\.168\.1\.10, past the gateway at 192\.168\.1\.5/);
  assert.match(check.remedy, /to lead them here/);
});

doctor('tells apart what else can come back', async () => {
  const outcomes: [string, (asked: Asked) => void, string, RegExp][] = [
    ['NXDOMAIN', ({ bytes, send }) => send(answerTo(bytes, { rcode: 3 })), 'fault', /does not exist/],
    ['SERVFAIL', ({ bytes, send }) => send(answerTo(bytes, { rcode: 2 })), 'fault', /answers SERVFAIL/],
    ['nothing', ({ bytes, send }) => send(answerTo(bytes)), 'fault', /none for other names of the zone/],
    [
      'another address',
      ({ bytes, send }) => send(answerTo(bytes, { answers: [a(NAME, '6.6.6.6')] })),
      'fault',
      /6\.6\.6\.6, which is neither/,
    ],
    ['silence', () => {}, 'unknown', /gives no answer/],
    ['garbage', ({ bytes, send }) => send(Buffer.concat([answerTo(bytes), Buffer.of(1)])), 'fault', /has no address/],
  ];
  for (const [what, handle, verdict, evidence] of outcomes) {
    const check = await checkOf(handle, 'systemResolvers');
    assert.equal([what, check.verdict], [what, verdict], check.evidence);
    assert.match(check.evidence, evidence, what);
  }
});

doctor('recognizes dnsmasq and names the snippet for it', async () => {
  const dnsmasq = await startDnsmasq(['stop-dns-rebind', `address=/${ZONE}/`]);
  const [, check] = await checks(undefined, { systemResolvers: [{ address: '127.0.0.1', port: dnsmasq.port }] });
  assert.match(check?.evidence ?? '', /\(dnsmasq-[\d.]+\)/);
  assert.match(check?.remedy ?? '', /`lockgate snippet dnsmasq`/);
  await dnsmasq.stop();
});

doctor('says when the gateway itself is silent, or does not want to talk to this host', async () => {
  assert.is((await checkOf(() => {}, 'gateway')).verdict, 'fault');
  const refused = await checkOf(({ bytes, send }) => send(answerTo(bytes, { rcode: 5 })), 'gateway');
  assert.match(refused.remedy, /allow_clients/);
  const [first] = await checks(undefined, {});
  assert.equal([first?.name, first?.verdict], ['dns gateway', 'warning']);
});

doctor('public resolvers that pass the name prove that nothing beyond the box filters', async () => {
  const passing = await checkOf(literalDns, 'publicResolvers');
  assert.is(passing.verdict, 'ok');
  assert.match(passing.evidence, new RegExp(SERVER.replaceAll('.', '\\.')));
  assert.is((await checkOf(filteringBox, 'publicResolvers')).verdict, 'warning');
  assert.is(PUBLIC_RESOLVERS.length, 2);
});

doctor('says that no zone is known rather than guess', async () => {
  const found = await checks(undefined, { facts: factsOf(siteValues({ zones: [] })) });
  assert.equal(
    found.map(({ name, verdict }) => [name, verdict]),
    [['dns zone', 'unknown']],
  );
  assert.match(found[0]?.evidence ?? '', /^no zone is known yet/);
});

doctor('says that no address is known where the zone is', async () => {
  const [found, ...others] = await checks(undefined, {
    facts: factsOf(siteValues({ serverAddresses: [], gatewayAddresses: [] })),
  });
  assert.equal([found?.name, found?.verdict, others.length], ['dns zone', 'unknown', 0]);
  assert.match(found?.evidence ?? '', /^no name can be asked for/);
  assert.match(found?.remedy ?? '', /gateway_addresses/);
});

doctor('reads resolv.conf as the resolver does', () => {
  const text =
    '# nameserver 9.9.9.9\nsearch lan\nnameserver 192.168.1.1\n  nameserver\tfd00::1 # the router\nnameserver fe80::1%eth0\n;nameserver 8.8.8.8\noptions edns0\n';
  assert.equal(
    readResolvConf(text).map(({ address }) => address),
    ['192.168.1.1', 'fd00::1', 'fe80::1%eth0'],
  );
});

doctor.run();
