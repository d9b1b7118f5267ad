/** A home in which nothing works, and the hands that mend it: a second router in front, a resolver that filters, a server that moved. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PLEX_ZONE } from './certificates.ts';
import { type GatewayHome, makeGatewayHome } from './gateway-in-home.ts';
import { end, evaluateLater, OUTSIDE, type PortMappingDaemon, PUBLIC_ADDRESS, ROUTER } from './home-network.ts';

export interface BrokenHome extends GatewayHome {
  /** The outer router becomes a bridge: the home's router has the public address. */
  bridgeOuterRouter(): Promise<void>;
  /** The router's resolver asks the gateway for the zone, as the snippet has it. */
  letResolverAskGateway(): Promise<void>;
  /** A client from the Internet asks for the server's identity at the public address; its status. */
  comeInFromOutside(): Promise<number>;
}

export function configuration(serverUrl: string, dataDir: string): string {
  return `[server]
url = "${serverUrl}"
data_dir = "${dataDir}"

[listen]
port = 32400

[dns]
listen = ["127.0.0.1:5354", "192.168.7.2:5354"]

[remote]
map_port = 32400
public_address = "stun:${OUTSIDE}:3478"
`;
}

/** The gateway knew the server at 192.168.7.20; now that is at 192.168.7.30. */
export async function makeBrokenHome(): Promise<BrokenHome> {
  const home = await makeGatewayHome('double', { holdsCertificate: true });
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-resolver-'));
  const resolvers: ChildProcess[] = [];
  let mapping: PortMappingDaemon = await home.startPortMapping();

  const startResolver = (namespace: GatewayHome['router'], ...options: string[]) => {
    const child = namespace.start(
      'dnsmasq',
      '--no-daemon',
      '--no-resolv',
      '--no-hosts',
      '--conf-file=/dev/null',
      ...options,
    );
    child.stderr?.resume();
    resolvers.push(child);
    return child;
  };
  startResolver(home.outside, `--listen-address=${OUTSIDE}`, '--bind-interfaces', ...publicZone());
  let resolver = startResolver(home.router, ...FILTERING);
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${ROUTER}\n`);
  home.host.run('mount', '--bind', join(folder, 'resolv.conf'), '/etc/resolv.conf');

  home.setPreferences({
    PlexOnlineToken: 'x',
    RelayEnabled: '0',
    ManualPortMappingMode: '1',
    ManualPortMappingPort: '32400',
  });
  await home.startServer();
  home.configure(configuration('http://192.168.7.20:32400', join(home.folder, 'data')));
  const gateway = await home.run();
  await gateway.line((line) => line['state'] === 'claimed', 20_000);
  gateway.signal('SIGTERM');
  await gateway.ended();
  await home.stopServer();
  home.server.ip('addr del 192.168.7.20/24 dev lan0', 'addr add 192.168.7.30/24 brd + dev lan0');
  await home.startServer('192.168.7.30');

  return {
    ...home,
    async bridgeOuterRouter() {
      await mapping.stop();
      const { carrier, router } = home;
      carrier?.run('nft', 'flush', 'ruleset');
      carrier?.ip('link add bridge type bridge', 'addr flush dev wan', 'addr flush dev customer');
      carrier?.ip('link set wan master bridge', 'link set customer master bridge', 'link set bridge up');
      router.ip('addr flush dev wan', `addr add ${PUBLIC_ADDRESS}/24 dev wan`, 'route add default via 9.0.0.1');
      home.outside.ip('neigh flush all');
      mapping = await home.startPortMapping();
    },
    async letResolverAskGateway() {
      await end(resolver);
      resolver = startResolver(
        home.router,
        ...FILTERING,
        `--server=/${PLEX_ZONE}/192.168.7.2#5354`,
        `--rebind-domain-ok=/${PLEX_ZONE}/`,
      );
    },
    async comeInFromOutside() {
      const script = `const { status } = await fetch('http://${PUBLIC_ADDRESS}:32400/identity'); console.log(status); process.exit(0);`;
      return Number(await evaluateLater(home.outside, script));
    },
    async close() {
      for (const child of resolvers) await end(child);
      await home.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const FILTERING = [`--listen-address=${ROUTER}`, '--bind-interfaces', `--server=${OUTSIDE}`, '--stop-dns-rebind'];

/** What the public zone answers: the address that a name spells. */
function publicZone(): string[] {
  return ['192.168.7.0/24', '9.9.9.0/24'].map((network) => `--synth-domain=${PLEX_ZONE},${network}`);
}
