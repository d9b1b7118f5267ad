/** The ways past the gateway: the media server's own port, its announcements on the LAN, ports of the router that lead to it. */
import type { ListenAddress } from '../net/listen.ts';
import type { Check } from '../ops/check.ts';
import type { Forwarding } from '../remote/igd.ts';
import type { RemoteView } from '../remote/view.ts';
import { createAsk } from '../server/ask.ts';
import { discoverServers, lanTargets } from '../server/discovery.ts';
import type { Parts } from './parts.ts';
import { endpointOf, listensOn } from './published.ts';
import { hostOf } from './server-moves.ts';

const LOOPBACK = /^(127\.|::1$)/;
/** Of what a router says about a forwarding. */
const MAX_DESCRIPTION_LENGTH = 40;

/** Tries out the ways on the LAN. `listeners`: the gateway's own, which are no way past it. */
export async function bypassChecks(parts: Parts, listeners: readonly ListenAddress[]): Promise<Check[]> {
  const { link, site } = parts;
  const { url, identity } = link.monitor.snapshot;
  if (url === undefined || identity === undefined) return [];
  const address = site.view.serverAddress ?? '';
  const isHere = LOOPBACK.test(address) || site.view.addresses.has(address);
  const checks = await Promise.all([
    isHere ? ownPortHere(parts, listeners) : ownPortElsewhere(url),
    announcement(parts, listeners),
  ]);
  return checks.filter((check) => check !== undefined);
}

/** The port under which the site is to be reached, and where it must lead. */
type WantedPort = Pick<RemoteView, 'outsidePort' | 'inside'>;

/** What the router does: `forwardings` are its ports as far as it tells. */
export function forwardingChecks(
  parts: Parts,
  listeners: readonly ListenAddress[],
  forwardings: readonly Forwarding[],
  wanted: WantedPort,
): Check[] {
  const others = forwardings.filter(
    ({ internalAddress, internalPort }) =>
      !parts.site.view.addresses.has(internalAddress) ||
      !listeners.some(({ address, port }) => port === internalPort && listensOn(address, internalAddress)),
  );
  const past = others.filter((forwarding) => leadsToServer(forwarding, parts));
  const misled = others.find(
    (forwarding) => forwarding.externalPort === wanted.outsidePort && !past.includes(forwarding),
  );
  return [
    ...past.map((forwarding) => pastTheGateway(forwarding, wanted.outsidePort)),
    ...(misled === undefined || wanted.inside === undefined ? [] : [astray(misled, wanted.inside)]),
  ];
}

function leadsToServer({ internalAddress, internalPort }: Forwarding, { link, site }: Parts): boolean {
  const { url } = link.monitor.snapshot;
  const { serverAddress = '', addresses } = site.view;
  if (url === undefined || internalPort !== Number(new URL(url).port || 80)) return false;
  return internalAddress === serverAddress || (addresses.has(serverAddress) && addresses.has(internalAddress));
}

function pastTheGateway(forwarding: Forwarding, outsidePort: number): Check {
  const { externalPort, internalAddress, internalPort, description } = forwarding;
  const who = description === '' ? '' : ` (${JSON.stringify(description.slice(0, MAX_DESCRIPTION_LENGTH))})`;
  return {
    name: 'bypass router',
    verdict: 'fault',
    evidence: `port ${externalPort} of the router leads from the Internet to the media server itself, ${internalAddress}:${internalPort}${who}`,
    remedy: `remove that forwarding in the router; in the server: Settings > Remote Access > Manually specify public port: ${outsidePort}`,
  };
}

function astray({ externalPort, internalAddress, internalPort }: Forwarding, inside: ListenAddress): Check {
  return {
    name: 'port forwarding',
    verdict: 'fault',
    evidence: `port ${externalPort} of the router leads to ${internalAddress} port ${internalPort}, where the gateway is not`,
    remedy: `change it in the router to ${inside.address} port ${inside.port}`,
  };
}

/** The server is on this host: it should answer on loopback alone. */
async function ownPortHere({ link, site }: Parts, listeners: readonly ListenAddress[]): Promise<Check | undefined> {
  const { url = '', identity, kind } = link.monitor.snapshot;
  const { protocol, port } = new URL(url);
  const number = Number(port || 80);
  const isOwn = (address: string) =>
    listeners.some((listener) => listener.port === number && listensOn(listener.address, address));
  const answers = async (endpoint: string) => {
    const ask = createAsk({ baseUrl: `${protocol}//${endpoint}`, verifyCertificate: false });
    const found = await kind.identify(ask).catch(() => undefined);
    return found !== undefined && found.id === identity?.id ? endpoint : undefined;
  };
  const tried = site.lanAddresses.filter((address) => !isOwn(address)).map((address) => endpointOf(address, number));
  const endpoint = (await Promise.all(tried.map(answers))).find((found) => found !== undefined);
  if (endpoint === undefined) {
    return {
      name: 'bypass port',
      verdict: 'ok',
      evidence: 'the media server answers nobody but this host',
      remedy: '',
    };
  }
  return {
    name: 'bypass port',
    verdict: 'warning',
    evidence: `the media server itself answers other hosts at ${endpoint}, past the gateway`,
    remedy: `let it answer on 127.0.0.1 alone (Docker: publish 127.0.0.1:${number}:${number}), or close port ${number} to others in this host's firewall`,
  };
}

/** It answers this host over the network; whether others are kept out, cannot be seen from here. */
function ownPortElsewhere(url: string): Check {
  const { port } = new URL(url);
  return {
    name: 'bypass port',
    verdict: 'warning',
    evidence: `the media server answers at ${url} on the network: other hosts may reach it there too, past the gateway`,
    remedy: `in the firewall of ${hostOf(url)}, let only this host reach port ${port || 80}`,
  };
}

/** The server's own answers to searches lead apps to it. */
async function announcement({ link, site }: Parts, listeners: readonly ListenAddress[]): Promise<Check | undefined> {
  const { kind, identity } = link.monitor.snapshot;
  const { networks, lanList, addresses } = site.view;
  const onLan = networks.filter(
    ({ address, family, isLoopback }) => family === 4 && !isLoopback && lanList.contains(address),
  );
  const found = await discoverServers({
    kinds: [kind],
    localEndpoints: [],
    lanTargets: lanTargets([kind], onLan),
    isOwnEndpoint: (address, port) => addresses.has(address) && listeners.some((listener) => listener.port === port),
  });
  const announced = found.find((server) => server.identity.id === identity?.id);
  if (announced === undefined) return undefined;
  return {
    name: 'bypass discovery',
    verdict: 'warning',
    evidence: `apps that search the LAN are told ${announced.url}, which is the media server itself`,
    remedy:
      kind.name === 'plex'
        ? 'in the server: Settings > Network > Enable local network discovery (GDM): off, then set [remote] discovery = true here'
        : 'switch its discovery off in its network settings, then set [remote] discovery = true here',
  };
}
