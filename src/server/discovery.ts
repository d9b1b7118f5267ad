/** Looks for media servers: on this host, then on the LAN. An answer on the LAN is a claim; the server itself must confirm it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { ServerKind } from './kind.ts';
import type { DiscoveryClaim } from './lan-discovery.ts';
import { recognizeServer } from './recognize.ts';
import type { FoundServer } from './server-state.ts';

/** How long answers from the LAN are awaited. */
const LAN_WAIT_MS = 1200;
/** More answers than a home has servers, and than one machine has; the rest is somebody's flood, which must not drown the others. */
const MAX_ANSWERS = 16;
const MAX_ANSWERS_OF_ONE = 4;
const MAX_ANSWER_BYTES = 4096;
const MULTICAST_TTL = 1;

/** Where one question is sent from and to. */
export interface LanTarget {
  readonly kind: ServerKind;
  /** Own address on the interface that the question leaves by. */
  readonly localAddress: string;
  /** Multicast group, broadcast or unicast address. */
  readonly address: string;
  readonly port: number;
}

export interface DiscoveryOptions {
  readonly kinds: readonly ServerKind[];
  /** `host:port` pairs of this host, the preferred first. */
  readonly localEndpoints: readonly { readonly address: string; readonly port: number }[];
  /** Asked only when this host has no server. */
  readonly lanTargets: readonly LanTarget[];
  /** True for an endpoint of the gateway itself, which must not find itself. */
  isOwnEndpoint(address: string, port: number): boolean;
}

/** One network of a LAN on which to ask; IPv4 only, as both protocols are. */
export interface LanNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

/** Every server found, each once, by the address that was tried first. Never rejects; takes a few seconds at most. */
export async function discoverServers(options: DiscoveryOptions): Promise<readonly FoundServer[]> {
  const here = options.localEndpoints.filter(({ address, port }) => !options.isOwnEndpoint(address, port));
  const onThisHost = await Promise.all(
    here.map(({ address, port }) => tryEndpoint(options.kinds, 'http', address, port)),
  );
  const local = eachOnce(onThisHost);
  return local.length > 0 ? local : askLan(options);
}

/** The usual ports of the kinds on every one of these addresses, one address after the other. */
export function localEndpoints(kinds: readonly ServerKind[], addresses: readonly string[]) {
  const ports = new Set(kinds.map((kind) => kind.defaultPort));
  return addresses.flatMap((address) => [...ports].map((port) => ({ address, port })));
}

/** One question for every kind on every network: to its multicast group, or to the network's broadcast address. */
export function lanTargets(kinds: readonly ServerKind[], networks: readonly LanNetwork[]): LanTarget[] {
  const targets: LanTarget[] = [];
  for (const { address, prefixLength } of networks) {
    for (const kind of kinds) {
      if (kind.discovery === undefined || isIPv6(address)) continue;
      const destination = kind.discovery.group ?? broadcastAddress(address, prefixLength);
      targets.push({ kind, localAddress: address, address: destination, port: kind.discovery.port });
    }
  }
  return targets;
}

async function askLan(options: DiscoveryOptions): Promise<readonly FoundServer[]> {
  const answers = await Promise.all(options.lanTargets.map(askTarget));
  const found = answers.flat().map(async ({ kind, claim, address }) => {
    if (options.isOwnEndpoint(address, claim.port)) return undefined;
    const server = await tryEndpoint([kind], claim.scheme, address, claim.port);
    return server?.identity.id === claim.id ? { ...server, announcedName: claim.name } : undefined;
  });
  return eachOnce(await Promise.all(found));
}

interface Answer {
  readonly kind: ServerKind;
  readonly claim: DiscoveryClaim;
  /** The sender: the only address that an answer is believed to be about. */
  readonly address: string;
}

/** Asks once and collects the answers of a moment; trouble with the socket means none. */
async function askTarget(target: LanTarget): Promise<readonly Answer[]> {
  const { kind, localAddress } = target;
  const answers = new Map<string, Answer>();
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
    if (datagram.length > MAX_ANSWER_BYTES || answers.size >= MAX_ANSWERS) return;
    const ofSender = [...answers.values()].filter(({ address }) => address === from.address).length;
    const claim = ofSender < MAX_ANSWERS_OF_ONE ? kind.discovery?.readAnswer(datagram) : undefined;
    if (claim !== undefined)
      answers.set(`${from.address}:${claim.port} ${claim.id}`, { kind, claim, address: from.address });
  });
  try {
    socket.bind(0, localAddress);
    await once(socket, 'listening');
    sendQuestion(socket, target);
    await setTimeout(LAN_WAIT_MS, undefined, { ref: false });
  } catch {
    // No such address any more, or no permission: this network cannot be asked.
  }
  socket.close();
  return [...answers.values()];
}

function sendQuestion(socket: Socket, { kind, localAddress, address, port }: LanTarget): void {
  if (kind.discovery === undefined) return;
  socket.setBroadcast(true);
  socket.setMulticastTTL(MULTICAST_TTL);
  if (kind.discovery.group === address) socket.setMulticastInterface(localAddress);
  socket.send(kind.discovery.question, port, address);
}

async function tryEndpoint(
  kinds: readonly ServerKind[],
  scheme: 'http' | 'https',
  address: string,
  port: number,
): Promise<FoundServer | undefined> {
  const host = isIPv6(address) ? `[${address}]` : address;
  return recognizeServer(`${scheme}://${host}:${port}`, kinds).catch(() => undefined);
}

/** One server answers on many addresses: the first counts. */
function eachOnce(found: readonly (FoundServer | undefined)[]): readonly FoundServer[] {
  const servers = new Map<string, FoundServer>();
  for (const server of found) {
    if (server === undefined) continue;
    const key = `${server.kind.name} ${server.identity.id}`;
    if (!servers.has(key)) servers.set(key, server);
  }
  return [...servers.values()];
}

function broadcastAddress(address: string, prefixLength: number): string {
  const bits = address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
  const hostBits = 2 ** (32 - prefixLength) - 1;
  const broadcast = bits - (bits % (hostBits + 1)) + hostBits;
  return [24, 16, 8, 0].map((shift) => Math.floor(broadcast / 2 ** shift) % 256).join('.');
}
