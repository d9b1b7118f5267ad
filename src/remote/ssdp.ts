/** Finds the default router's UPnP description by SSDP. What anybody else answers, or says about another host, is not heard. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { WayOut } from './way-out.ts';

const GROUP = '239.255.255.250';
const PORT = 1900;
const MULTICAST_TTL = 2;
/** The longest delay that is asked of devices (UPnP Device Architecture 2.0, section 1.3.2). */
const MAX_DELAY_SECONDS = 1;
/** Sent twice, because datagrams get lost. */
const WAITS_MS = [700, 1300];
const MAX_ANSWER_BYTES = 2048;
const MAX_ANSWERS = 16;
const GATEWAY_TYPES = [
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
];

/** Description addresses on the router itself, each once. Never rejects. */
export async function findRouterDescriptions(way: WayOut): Promise<readonly URL[]> {
  const locations = new Map<string, URL>();
  let answers = 0;
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
    if (from.address !== way.router || datagram.length > MAX_ANSWER_BYTES) return;
    answers += 1;
    if (answers > MAX_ANSWERS) return;
    const location = readSearchAnswer(datagram.toString('latin1'), way.router);
    if (location !== undefined) locations.set(location.href, location);
  });
  try {
    socket.bind(0, way.localAddress);
    await once(socket, 'listening');
    socket.setMulticastTTL(MULTICAST_TTL);
    socket.setMulticastInterface(way.localAddress);
    for (const waitMs of WAITS_MS) {
      for (const type of GATEWAY_TYPES) socket.send(searchFor(type), PORT, GROUP);
      await setTimeout(waitMs, undefined, { ref: false });
      if (locations.size > 0) break;
    }
  } catch {
    // No such address any more, or no permission: nothing is found.
  }
  socket.close();
  return [...locations.values()];
}

function searchFor(type: string): string {
  return [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${GROUP}:${PORT}`,
    'MAN: "ssdp:discover"',
    `MX: ${MAX_DELAY_SECONDS}`,
    `ST: ${type}`,
    '',
    '',
  ].join('\r\n');
}

/** The LOCATION of an answer that speaks of a gateway at `router`, by its literal address over plain HTTP; undefined otherwise. */
export function readSearchAnswer(text: string, router: string): URL | undefined {
  const [statusLine = '', ...lines] = text.split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200\b/.test(statusLine)) return undefined;
  const field = (name: string) => {
    const line = lines.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`));
    return line?.slice(name.length + 1).trim() ?? '';
  };
  return GATEWAY_TYPES.includes(field('st')) ? routerUrl(field('location'), undefined, router) : undefined;
}

/** A URL, absolute or relative to `base`, that leads to `router` over plain HTTP; undefined when it leads anywhere else. */
export function routerUrl(text: string, base: URL | undefined, router: string): URL | undefined {
  if (text === '' || !URL.canParse(text, base?.href)) return undefined;
  const url = new URL(text, base?.href);
  const isPlain = url.protocol === 'http:' && url.username === '' && url.password === '';
  return isPlain && url.hostname.replace(/^\[(.*)\]$/, '$1') === router ? url : undefined;
}
