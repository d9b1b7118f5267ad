/** What is answered to a search for media servers on the LAN: Plex's GDM, and the UDP 7359 protocol of Jellyfin and Emby. Pure. */
import { addressFamily } from '../net/address.ts';

/** The media server as apps know it, at the gateway's place. */
export interface AnnouncedServer {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** The address-in-name zone, `<hash>.plex.direct`; undefined: there is none. */
  readonly zone: string | undefined;
  /** The gateway's. */
  readonly port: number;
  readonly isTlsRequired: boolean;
}

/** Searches are a line or two. */
export const MAX_QUESTION_BYTES = 1024;
const MAX_NAME_LENGTH = 128;
const SEARCH_WORDS: Readonly<Record<string, RegExp>> = {
  plex: /^M-SEARCH \* HTTP\/1\.[01]\r?\n/,
  jellyfin: /^who is JellyfinServer\?/i,
  emby: /^who is EmbyServer\?/i,
};

/** The answer to one datagram, for an asker who reaches the gateway at `ownAddress`; undefined: it is no search for this kind of server. */
export function answerSearch(question: Buffer, server: AnnouncedServer, ownAddress: string): Buffer | undefined {
  if (question.length > MAX_QUESTION_BYTES) return undefined;
  const isSearch = SEARCH_WORDS[server.kind]?.test(question.toString('latin1')) === true;
  if (!isSearch) return undefined;
  return Buffer.from(server.kind === 'plex' ? gdmAnswer(server) : jsonAnswer(server, ownAddress));
}

/** Apps take the address from the sender of the answer. */
function gdmAnswer({ id, name, version, zone, port }: AnnouncedServer): string {
  const fields = {
    'Content-Type': 'plex/media-server',
    ...(zone === undefined ? {} : { Host: zone }),
    Name: headerText(name),
    Port: String(port),
    'Resource-Identifier': headerText(id),
    Version: headerText(version),
  };
  const lines = Object.entries(fields).map(([field, value]) => `${field}: ${value}`);
  return ['HTTP/1.0 200 OK', ...lines, '', ''].join('\r\n');
}

function jsonAnswer({ id, name, port, isTlsRequired }: AnnouncedServer, ownAddress: string): string {
  const host = addressFamily(ownAddress) === 6 ? `[${ownAddress}]` : ownAddress;
  const address = `${isTlsRequired ? 'https' : 'http'}://${host}:${port}`;
  return JSON.stringify({ Address: address, Id: id, Name: name.slice(0, MAX_NAME_LENGTH), EndpointAddress: null });
}

/** What the server calls itself must not become a line of its own. */
function headerText(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, MAX_NAME_LENGTH);
}
