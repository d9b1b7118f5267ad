/** Whether a command of the program would speak to anybody but this machine: a test must not, outside a network of its own. */
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { addressScope } from '../../src/net/address.ts';
import { isAlone } from './alone.ts';

/** These look for the media server, or ask it. */
const LOOKING = new Set(['run', 'check', 'doctor', 'explain', 'snippet', 'setup', 'certificate', 'openwrt']);

/** What would leave, in words; undefined: nothing, or this is a network of its own. */
export async function whatLeavesLoopback(argv: readonly string[], configPath: string): Promise<string | undefined> {
  const [command = ''] = argv;
  if (isAlone() || argv.includes('--help') || argv.includes('--demo')) return undefined;
  if (command === 'init') return 'init looks for servers on the LAN';
  const result = await loadConfig(configPath, { isExplicit: true }).catch(() => undefined);
  if (result?.ok !== true) return undefined;
  const { server, remote, dns } = result.config;
  if (command === 'login' && !isNear(server.account_url)) return 'login asks server.account_url';
  if (!LOOKING.has(command)) return undefined;
  if (server.url === 'auto' && server.kind !== 'generic') return 'server.url = "auto" searches the LAN';
  if (server.url !== 'auto' && !isNear(server.url)) return `server.url is ${server.url}`;
  if (hasToken(server) && !isNear(server.account_url)) return 'server.token is shown to server.account_url';
  if (remote.map_port !== 0 || remote.discovery) return '[remote] speaks to the LAN';
  if (remote.public_address !== 'none' && !isNear(remote.public_address)) return 'remote.public_address is asked for';
  const upstream = dns.upstreams.find((candidate) => !isNear(candidate));
  return upstream === undefined ? undefined : `dns.upstreams has ${upstream}`;
}

function hasToken(server: Config['server']): boolean {
  return server.token !== '' || server.token_file !== '';
}

/** A URL, `stun:HOST:PORT`, `HOST:PORT` or address of this machine; an address that is only stated asks nobody. */
function isNear(text: string): boolean {
  const host = /^(?:[a-z]+:(?:\/\/)?)?(\[[^\]]+\]|[0-9.]+|localhost)(?:[:/]|$)/.exec(text)?.[1]?.replace(/[[\]]/g, '');
  return host === 'localhost' || (host !== undefined && addressScope(host) === 'loopback');
}
