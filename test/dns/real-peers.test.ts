import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DnsOptions, DnsService } from '../../src/dns/server.ts';
import { type SnippetTarget, snippet } from '../../src/dns/snippets.ts';
import { until } from '../support/until.ts';
import { askTcp, askUdp } from './ask.ts';
import { type Program, startDnsmasq, startUnbound } from './programs.ts';
import {
  factsOf,
  GATEWAY,
  GATEWAY_V6,
  SECOND_LAN_GATEWAY,
  SERVER,
  type SiteValues,
  siteValues,
  withDns,
  ZONE,
} from './site.ts';

const run = promisify(execFile);
const NAME = `192-168-1-10.${ZONE}`;
const PRIVATE_ADDRESSES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fd00::/8', 'fe80::/10'];

/** What `dig` prints for a name, as a user would ask. */
async function dig(port: number, name: string, type = 'A'): Promise<string> {
  const { stdout } = await run('dig', ['+short', '+tries=1', '+time=15', `-p${port}`, '@127.0.0.1', name, type]);
  return stdout.trim();
}

async function withPrograms(
  programs: readonly Promise<Program>[],
  story: (...programs: Program[]) => Promise<void>,
): Promise<void> {
  const running = await Promise.all(programs);
  try {
    await story(...running);
  } finally {
    await Promise.all(running.map((program) => program.stop()));
  }
}

/** The snippet for a gateway that runs as in `service`. */
function snippetFor(target: SnippetTarget, service: DnsService, values: SiteValues): string {
  return snippet(target, { facts: factsOf(values), answer: 'gateway', listen: service.addresses() });
}

/** The lines that a program reads. */
function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const front = suite('in front of the gateway, with rebinding protection on,');

front('dnsmasq with its snippet leads to the gateway, on the network that the name spells', async () => {
  const values = siteValues({ serverAddresses: [SERVER, 'fd00::10', '10.7.0.10'] });
  await withDns(
    { answer: 'gateway' },
    async (service) => {
      const text = lines(snippetFor('dnsmasq', service, values));
      await withPrograms([startDnsmasq(['stop-dns-rebind', ...text])], async ({ port }) => {
        assert.is(await dig(port, NAME), GATEWAY);
        assert.is(await dig(port, `fd00--10.${ZONE}`, 'AAAA'), GATEWAY_V6);
        assert.is(await dig(port, `10-7-0-10.${ZONE}`), SECOND_LAN_GATEWAY);
        assert.is(await dig(port, `192-168-1-77.${ZONE}`), '');
        assert.is(await dig(port, 'films.example.org'), GATEWAY);
        assert.is(await dig(port, 'films.example.org', 'AAAA'), GATEWAY_V6);
        assert.equal((await askTcp(NAME, 'A', { port })).answers, [GATEWAY]);
      });
    },
    values,
  );
});

front('dnsmasq without the second line drops the answer: both lines are needed', async () => {
  const values = siteValues();
  await withDns({ answer: 'gateway' }, async (service) => {
    const text = lines(snippetFor('dnsmasq', service, values)).filter((line) => !line.startsWith('rebind-domain-ok'));
    await withPrograms([startDnsmasq(['stop-dns-rebind', ...text])], async ({ port, output }) => {
      assert.is(await dig(port, NAME), '');
      await until(() => /possible DNS-rebind attack detected/.test(output()), 'the attack is told');
    });
  });
});

front('Unbound with its snippet leads to the gateway', async () => {
  const values = siteValues();
  const protection = PRIVATE_ADDRESSES.map((network) => `private-address: ${network}`);
  await withDns({ answer: 'gateway' }, async (service) => {
    const text = snippetFor('unbound', service, values);
    await withPrograms([startUnbound(text, protection)], async ({ port }) => {
      assert.is(await dig(port, NAME), GATEWAY);
      assert.is(await dig(port, `fd00--10.${ZONE}`, 'AAAA'), GATEWAY_V6);
      assert.is((await askUdp(`192-168-1-77.${ZONE}`, 'A', { port })).answers.length, 0);
      assert.is((await askUdp(`www.${ZONE}`, 'A', { port })).rcode, 'NXDOMAIN');
      assert.is(await dig(port, 'films.example.org'), GATEWAY);
      assert.is(await dig(port, 'films.example.org', 'AAAA'), GATEWAY_V6);
    });
    const without = text.replace(/^.*private-domain.*$/gm, '');
    await withPrograms([startUnbound(without, protection)], async ({ port }) => assert.is(await dig(port, NAME), ''));
  });
});

front('Unbound takes the custom options of the pfSense snippet', async () => {
  const values = siteValues();
  await withDns({ answer: 'gateway' }, async (service) => {
    const [endpoint = ''] = service.addresses();
    const override = ['forward-zone:', `  name: "${ZONE}"`, `  forward-addr: ${endpoint.replace(':', '@')}`];
    const text = `${lines(snippetFor('pfsense', service, values)).join('\n')}\n  do-not-query-localhost: no\n${override.join('\n')}\n`;
    const protection = PRIVATE_ADDRESSES.map((network) => `private-address: ${network}`);
    await withPrograms([startUnbound(text, protection)], async ({ port }) => assert.is(await dig(port, NAME), GATEWAY));
  });
});

/** OpenWrt's init script writes its lists into dnsmasq's configuration like this. */
function asOpenwrtWouldWrite(snippetLines: readonly string[]): string[] {
  const domain: Record<string, string> = {};
  return snippetLines.flatMap((line) => {
    const list = line.match(/^uci add_list dhcp\.@dnsmasq\[0\]\.(server|rebind_domain)='(.+)'$/);
    if (list !== null) return [list[1] === 'server' ? `server=${list[2]}` : `rebind-domain-ok=${list[2]}`];
    const option = line.match(/^uci set dhcp\.@domain\[-1\]\.(name|ip)='(.+)'$/);
    if (option !== null) domain[option[1]!] = option[2]!;
    return option?.[1] === 'ip' ? [`host-record=${domain['name']},${domain['ip']}`] : [];
  });
}

front("OpenWrt's dnsmasq does with its snippet", async () => {
  const values = siteValues();
  await withDns({ answer: 'gateway' }, async (service) => {
    const text = asOpenwrtWouldWrite(lines(snippetFor('openwrt', service, values)));
    assert.is(text.length, 4);
    await withPrograms([startDnsmasq(['stop-dns-rebind', ...text])], async ({ port }) => {
      assert.is(await dig(port, NAME), GATEWAY);
      assert.is(await dig(port, 'films.example.org'), GATEWAY);
    });
  });
});

front("Pi-hole's and Asuswrt's dnsmasq do with theirs, and a hosts file with its own", async () => {
  const values = siteValues();
  await withDns({ answer: 'gateway' }, async (service) => {
    const [endpoint = ''] = service.addresses();
    for (const target of ['pihole', 'asuswrt'] as const) {
      // Their listener is on the LAN, which a test has not: the address is put back to loopback.
      const text = lines(snippetFor(target, service, values)).map((line) =>
        line.replace(/192\.168\.1\.5#5354/, endpoint.replace(':', '#')),
      );
      await withPrograms([startDnsmasq(['stop-dns-rebind', ...text])], async ({ port }) => {
        assert.is(await dig(port, NAME), GATEWAY, target);
      });
    }
    const hosts = lines(snippetFor('hosts', service, values)).map((line) => {
      const [address, name] = line.split(' ');
      return `host-record=${name},${address}`;
    });
    await withPrograms([startDnsmasq(hosts)], async ({ port }) => assert.is(await dig(port, NAME), GATEWAY));
  });
});

front('dnsmasq answers alone with synth-domain, literally, and before any server= line', async () => {
  const values = siteValues();
  await withDns({ answer: 'gateway' }, async (service) => {
    const text = snippetFor('dnsmasq', service, values);
    const synth = text.split('\n').flatMap((line) => line.match(/^# (synth-domain=.+)$/)?.[1] ?? []);
    assert.ok(synth.length >= 2);
    await withPrograms(
      [startDnsmasq(['stop-dns-rebind', ...synth]), startDnsmasq([...lines(text), ...synth])],
      async (alone, both) => {
        assert.is(await dig(alone!.port, NAME), SERVER);
        assert.is(await dig(alone!.port, `fd00-0-0-0-0-0-0-10.${ZONE}`, 'AAAA'), 'fd00::10');
        assert.is(await dig(both!.port, NAME), SERVER, 'it wins even while the gateway answers');
      },
    );
  });
});

front.run();

const behind = suite('behind the gateway,');

const RECORDS = [
  'host-record=www.example,93.184.216.34',
  'host-record=inside.example,192.168.1.77',
  `txt-record=long.example,${'"x",'.repeat(20)}"y"`,
];

async function throughGateway(
  upstream: Program,
  story: (port: number) => Promise<void>,
  changes: Partial<DnsOptions> = {},
): Promise<void> {
  await withDns({ upstreams: [`127.0.0.1:${upstream.port}`], ...changes }, (_, port) => story(port));
}

behind('dnsmasq answers, and private addresses of its are withheld', async () => {
  await withPrograms([startDnsmasq(RECORDS)], async (dnsmasq) => {
    await throughGateway(dnsmasq, async (port) => {
      assert.is(await dig(port, 'www.example'), '93.184.216.34');
      assert.is(await dig(port, 'inside.example'), '');
      assert.is(await dig(port, 'nothing.invalid'), '');
      assert.is((await askUdp('nothing.invalid', 'A', { port })).rcode, 'NXDOMAIN');
      assert.is((await askUdp('long.example', 'TXT', { port })).packet.answers?.length, 1);
    });
    await throughGateway(dnsmasq, async (port) => assert.is(await dig(port, 'inside.example'), '192.168.1.77'), {
      rebindAllow: ['inside.example'],
    });
  });
});

behind('Unbound answers over UDP and TCP, with EDNS and random letter case', async () => {
  const many = Array.from({ length: 90 }, (_, index) => `local-data: "many.example. 60 IN A 9.9.9.${index}"`);
  const data = [
    'local-data: "www.example. 300 IN A 93.184.216.34"',
    'local-data: "inside.example. 300 IN AAAA fd00::77"',
    ...many,
  ];
  await withPrograms([startUnbound('', data)], async (unbound) => {
    await throughGateway(
      unbound,
      async (port) => {
        assert.is(await dig(port, 'WWW.example'), '93.184.216.34');
        assert.is(await dig(port, 'inside.example', 'AAAA'), '');
        assert.is((await dig(port, 'many.example')).split('\n').length, 90);
        const truncated = await askUdp('many.example', 'A', { port });
        assert.ok(truncated.isTruncated && truncated.bytes.length <= 512);
      },
      { randomCase: true },
    );
  });
});

behind.run();
