/**
 * A home in network namespaces: a host on the LAN, its router with a real miniupnpd, perhaps a second router between that and
 * the Internet, and an "Internet" of one machine. Nothing in it leads anywhere else; addresses may look public.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeNamespace, type Namespace } from './netns.ts';

export const HOST = '192.168.7.2';
export const HOST_IPV6 = '2a00:1:2:7::2';
export const ROUTER = '192.168.7.1';
/** Where the Internet's machine answers. */
export const OUTSIDE = '9.9.9.1';
/** The public address of the home. */
export const PUBLIC_ADDRESS = '9.0.0.2';

const START_TIMEOUT_MS = 30_000;
const SCRIPT_TIMEOUT_MS = 60_000;

/** What stands between the home's router and the Internet. */
export type Uplink = 'public' | 'double' | 'carrier';

/** The router's own address outside, by uplink. */
export const WAN_ADDRESS: Readonly<Record<Uplink, string>> = {
  public: PUBLIC_ADDRESS,
  double: '10.0.0.2',
  carrier: '100.64.0.2',
};
const UPLINK_ROUTER: Readonly<Record<Uplink, string>> = {
  public: '9.0.0.1',
  double: '10.0.0.1',
  carrier: '100.64.0.1',
};

export interface Home {
  readonly host: Namespace;
  readonly router: Namespace;
  readonly outside: Namespace;
  /** The second router; undefined with a public uplink. */
  readonly carrier: Namespace | undefined;
  /** Another machine on the LAN: 192.168.7.`number`. */
  addHost(number: number): Promise<Namespace>;
  /** Starts miniupnpd on the router; `lines` take the place of those of its configuration with the same key. */
  startPortMapping(lines?: readonly string[]): Promise<PortMappingDaemon>;
  close(): Promise<void>;
}

export interface PortMappingDaemon {
  /** Ends it; its mappings stay, as on a router whose daemon crashed, unless `forget`. */
  stop(options?: { forget: boolean }): Promise<void>;
}

/** Why the real daemon cannot be had here; undefined: it can. */
export function whyNoMiniupnpd(): string | undefined {
  const probe = spawnSync('sh', ['-c', 'command -v miniupnpd && command -v nft'], { encoding: 'utf8' });
  return probe.status === 0 ? undefined : 'miniupnpd or nft is not installed';
}

export async function makeHome(uplink: Uplink = 'public'): Promise<Home> {
  const [host, router, outside] = [await makeNamespace(), await makeNamespace(), await makeNamespace()];
  const carrier = uplink === 'public' ? undefined : await makeNamespace();
  const all = [host, router, outside, ...(carrier === undefined ? [] : [carrier])];
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-home-'));
  const daemons: ChildProcess[] = [];

  router.ip('link add lan type bridge', 'link set lan up', `addr add ${ROUTER}/24 brd + dev lan`);
  router.ip('-6 addr add fe80::1/64 dev lan nodad', '-6 addr add 2a00:1:2:7::1/64 dev lan nodad');
  plug(host, router, 'port2');
  host.ip(`addr add ${HOST}/24 brd + dev lan0`, `route add default via ${ROUTER}`);
  host.ip(`-6 addr add ${HOST_IPV6}/64 dev lan0 nodad`, '-6 route add default via fe80::1 dev lan0');

  router.connect('wan', carrier ?? outside, 'customer');
  router.ip(`addr add ${WAN_ADDRESS[uplink]}/24 dev wan`, `route add default via ${UPLINK_ROUTER[uplink]}`);
  if (carrier === undefined) {
    router.ip('-6 addr add 2a00:1:2::2/64 dev wan nodad', '-6 route add default via 2a00:1:2::1 dev wan');
    outside.ip('-6 addr add 2a00:1:2::1/64 dev customer nodad', '-6 route add 2a00:1:2:7::/64 via 2a00:1:2::2');
  } else {
    carrier.ip(`addr add ${UPLINK_ROUTER[uplink]}/24 dev customer`);
    carrier.connect('wan', outside, 'customer');
    carrier.ip(`addr add ${PUBLIC_ADDRESS}/24 dev wan`, 'route add default via 9.0.0.1');
    makeRouter(carrier, 'customer', folder);
  }
  outside.ip('addr add 9.0.0.1/24 dev customer', `addr add ${OUTSIDE}/32 dev lo`);
  makeRouter(router, 'lan', folder);

  return {
    host,
    router,
    outside,
    carrier,
    async addHost(number) {
      const added = await makeNamespace();
      all.push(added);
      plug(added, router, `port${number}`);
      added.ip(`addr add 192.168.7.${number}/24 brd + dev lan0`, `route add default via ${ROUTER}`);
      return added;
    },
    async startPortMapping(lines = []) {
      const config = join(folder, 'miniupnpd.conf');
      writeFileSync(config, [...overridden(MINIUPNPD_CONFIG, lines), ...MINIUPNPD_RULES, ''].join('\n'));
      const daemon = router.start('miniupnpd', '-d', '-f', config, '-P', '/run/miniupnpd.pid');
      daemons.push(daemon);
      // That comes last, where it comes.
      await said(daemon, lines.includes('enable_natpmp=no') ? /HTTP listening on port/ : /Listening for NAT-PMP/);
      return {
        async stop({ forget } = { forget: false }) {
          await end(daemon);
          if (!forget) return;
          for (const chain of ['miniupnpd', 'prerouting_miniupnpd', 'postrouting_miniupnpd'])
            router.run('nft', 'flush', 'chain', 'inet', 'home', chain);
        },
      };
    },
    async close() {
      for (const daemon of daemons) await end(daemon);
      for (const namespace of all) await namespace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a module of TypeScript inside, from the repository's root, and gives the JSON that it printed last. */
export async function evaluateLater(namespace: Namespace, source: string): Promise<unknown> {
  const child = namespace.start(process.execPath, '--input-type=module-typescript', '--eval', source);
  const timer = setTimeout(() => child.kill('SIGKILL'), SCRIPT_TIMEOUT_MS);
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  if (status !== 0) throw new Error(`the script ended with ${status}:\n${errors}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

/** Waits until a program has printed a matching line; goes on reading what it prints. */
export function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`never said ${pattern}:\n${text}`)), START_TIMEOUT_MS);
    const hear = (chunk: Buffer) => {
      if (text.length < 100_000) text += chunk.toString();
      if (!pattern.test(text)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (status) => reject(new Error(`ended with ${status}:\n${text}`)));
  });
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), 3000);
  await exited;
  clearTimeout(deadline);
}

/** Joins a machine's `lan0` to the router's LAN. */
function plug(machine: Namespace, router: Namespace, port: string): void {
  machine.connect('lan0', router, port);
  router.ip(`link set ${port} master lan`);
}

/** Forwards and masquerades what comes from `inside`; lets in only what was mapped. */
function makeRouter(namespace: Namespace, inside: string, folder: string): void {
  namespace.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  const file = join(folder, `${inside}.nft`);
  writeFileSync(file, rules(inside));
  namespace.run('nft', '-f', file);
}

function rules(inside: string): string {
  return `table inet home {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "${inside}" accept
    jump miniupnpd
  }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname "wan" meta nfproto ipv4 masquerade
    jump postrouting_miniupnpd
  }
}
`;
}

/** The daemon takes the first of two lines with one key. */
function overridden(lines: readonly string[], by: readonly string[]): string[] {
  const keyOf = (line: string) => line.split('=')[0];
  return [...lines.filter((line) => !by.some((other) => keyOf(other) === keyOf(line))), ...by];
}

const MINIUPNPD_CONFIG = [
  'ext_ifname=wan',
  'ext_ifname6=wan',
  'listening_ip=lan',
  'port=5000',
  'enable_natpmp=yes',
  'enable_upnp=yes',
  'secure_mode=yes',
  'upnp_table_name=home',
  'upnp_nat_table_name=home',
  'upnp_forward_chain=miniupnpd',
  'upnp_nat_chain=prerouting_miniupnpd',
  'upnp_nat_postrouting_chain=postrouting_miniupnpd',
  'uuid=00000000-0000-0000-0000-000000000001',
];
/** As OpenWrt has them. */
const MINIUPNPD_RULES = ['allow 1024-65535 192.168.7.0/24 1024-65535', 'deny 0-65535 0.0.0.0/0 0-65535'];
