/** Scripts with the port mappers on the host of a home, and what they changed on its router. */
import type { Test } from 'uvu';
import { evaluateLater, type Home, makeHome, type Uplink, whyNoMiniupnpd } from './home-network.ts';
import { inNamespaces } from './netns.ts';

/** `test`, or `test.skip` with the reason printed where miniupnpd or namespaces cannot be had. */
export function againstMiniupnpd(test: Test): (name: string, story: () => Promise<void>) => void {
  const missing = whyNoMiniupnpd();
  if (missing === undefined) return inNamespaces(test);
  console.log(`skipped: port mapping against miniupnpd (${missing})`);
  return test.skip;
}

/** What every script begins with. */
export const PRELUDE = `
  import { natMappers, firewallMappers, findIgdMappers } from './src/remote/mappers.ts';
  import { askForwardings, askWanAddress } from './src/remote/router-survey.ts';
  import { wayOut } from './src/remote/way-out.ts';
  const nonce = Buffer.from('lockgate-key');
  const way = wayOut(4);
  const wish = { internalPort: 32443, externalPort: 32400 };
  async function collect(mappers) { const all = []; for await (const mapper of mappers) all.push(mapper); return all; }
`;

/** Runs a script on the host; the JSON that it printed last. */
export function onHost(home: Home, body: string): Promise<never> {
  return evaluateLater(home.host, `${PRELUDE}\n${body}`) as Promise<never>;
}

/** Makes a home, tells the story in it, takes it down. */
export async function withHome(uplink: Uplink, story: (home: Home) => Promise<void>): Promise<void> {
  const home = await makeHome(uplink);
  try {
    await story(home);
  } finally {
    await home.close();
  }
}

/** The router's rules that lead a port somewhere: `32400 192.168.7.2:32443`. */
export function forwarded(home: Home): string[] {
  const rules = home.router.run('nft', 'list', 'chain', 'inet', 'home', 'prerouting_miniupnpd');
  return [...rules.matchAll(/dport (\d+) .*?dnat ip to ([\d.:]+)/g)].map(([, port, target]) => `${port} ${target}`);
}
