/** A stand-in for Plex Media Server: what its clients and the gateway can see of it, and nothing behind. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { redirect, send, sendJson, sendMedia, silence } from './answers.ts';
import { type Responder, startResponder } from './discovery-responder.ts';
import { readBody, type SeenRequest, StandIn, type StandInOptions } from './stand-in.ts';

export interface PlexOptions extends StandInOptions {
  readonly machineIdentifier?: string;
  readonly friendlyName?: string;
  readonly version?: string;
  /** Default true. While false, the server trusts everybody, as Plex trusts loopback and its subnet. */
  readonly claimed?: boolean;
  /** Tokens that are good; default: `OWNER_TOKEN`. */
  readonly tokens?: readonly string[];
  /** Answers 200 to any credential and to none (a server that trusts the gateway's address). Default false. */
  readonly open?: boolean;
}

export const OWNER_TOKEN = 'owner-token-12345678';
export const MACHINE_IDENTIFIER = createHash('sha1').update('lockgate stand-in').digest('hex');
/** The zone of the stand-in's plex.direct names, as its discovery answer gives it. */
export const CERTIFICATE_HASH = createHash('md5').update('lockgate stand-in').digest('hex');

const WEB_SOCKET_PATHS = ['/:/websockets/notifications', '/:/websocket/notifications'];
const EVENT_SOURCE_PATH = '/:/eventsource/notifications';
const CLAIM_PATH = '/myplex/claim';
const UNAUTHORIZED_PAGE = '<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>';
const WEB_FILES: Readonly<Record<string, { type: string; body: string }>> = {
  '/web/index.html': {
    type: 'text/html',
    body: '<!doctype html><title>Plex</title><script src="/web/js/main.js"></script>',
  },
  '/web/js/main.js': { type: 'text/javascript', body: 'document.title = "Plex";' },
};

/** Starts a stand-in; everything that matters can be set while it runs. */
export async function startPlex(options: PlexOptions = {}): Promise<PlexStandIn> {
  const plex = new PlexStandIn(options);
  await plex.listen();
  return plex;
}

/** An unsigned JWT with this `exp` (seconds since the epoch), the shape of Plex's week-long tokens. */
export function jwtExpiring(expirySeconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part({ exp: expirySeconds })}.${'s'.repeat(86)}`;
}

export class PlexStandIn extends StandIn {
  machineIdentifier: string;
  friendlyName: string;
  version: string;
  claimed: boolean;
  open: boolean;
  readonly tokens: Set<string>;
  /** Tokens answered with 498 (an expired JWT is, in any case). */
  readonly expiredTokens = new Set<string>();
  /** Codes that POST /myplex/claim accepts, once each. */
  readonly claimCodes = new Set<string>();
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #eventStreams = new Set<ServerResponse>();
  readonly #responders: Responder[] = [];

  constructor(options: PlexOptions) {
    super(
      options,
      (request, response, seen) => void this.#answer(request, response, seen).catch(() => response.destroy()),
      (request, socket, head, seen) => this.#upgrade(request, socket, head, seen),
    );
    this.machineIdentifier = options.machineIdentifier ?? MACHINE_IDENTIFIER;
    this.friendlyName = options.friendlyName ?? 'Stand-in';
    this.version = options.version ?? '1.43.4.10000-abcdef123';
    this.claimed = options.claimed ?? true;
    this.open = options.open ?? false;
    this.tokens = new Set(options.tokens ?? [OWNER_TOKEN]);
  }

  /** Sends a notification to every open WebSocket and event stream. */
  notify(notification: object): void {
    const text = JSON.stringify({ NotificationContainer: notification });
    for (const client of this.#webSockets.clients) client.send(text);
    for (const stream of this.#eventStreams) stream.write(`event: notification\ndata: ${text}\n\n`);
  }

  /** WebSockets open now. */
  get webSockets(): ReadonlySet<WebSocket> {
    return this.#webSockets.clients;
  }

  /** Answers GDM questions (`M-SEARCH`) until closed. `claims` overrides what the answer says. */
  async answerDiscovery(where: {
    address: string;
    port: number;
    group?: { address: string; interfaceAddress: string };
    claims?: { port?: number; machineIdentifier?: string };
  }): Promise<Responder> {
    const answer = (question: string) => (question.startsWith('M-SEARCH * HTTP/1.') ? [this.#gdm(where.claims)] : []);
    const responder = await startResponder({ ...where, answer });
    this.#responders.push(responder);
    return responder;
  }

  async close(): Promise<void> {
    for (const client of this.#webSockets.clients) client.terminate();
    for (const responder of this.#responders) await responder.close();
    await this.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): Promise<void> {
    const url = targetOf(seen);
    response.setHeader('X-Plex-Protocol', '1.0');
    if (seen.method === 'OPTIONS') return preflight(response);
    if (url.pathname === '/identity') return this.#identity(request, response);
    if (url.pathname === '/web' || url.pathname === '/web/') return redirect(response, '/web/index.html');
    if (url.pathname.startsWith('/web/')) return webFile(response, url.pathname);
    const verdict = this.#judge(seen, url);
    seen.authenticated = verdict === 200;
    if (verdict !== 200) return refuse(request, response, verdict);
    await silence(url);
    if (url.pathname === CLAIM_PATH) return this.#claim(response, url);
    if (url.pathname === EVENT_SOURCE_PATH) return this.#streamEvents(response);
    if (url.pathname.startsWith('/library/parts/')) return sendMedia(request, response, url);
    if (seen.method === 'GET' || seen.method === 'HEAD') return this.#page(request, response, url);
    await readBody(request, seen);
    sendJson(response, 200, { ...seen.body });
  }

  #judge(seen: SeenRequest, url: URL): 200 | 401 | 498 {
    const token = seen.values('x-plex-token').find((value) => value !== '') ?? queryToken(url);
    if (this.open || !this.claimed) return 200;
    if (token === undefined) return 401;
    if (this.expiredTokens.has(token) || isExpiredJwt(token)) return 498;
    return this.tokens.has(token) ? 200 : 401;
  }

  #identity(request: IncomingMessage, response: ServerResponse): void {
    this.#container(request, response, {
      size: 0,
      apiVersion: '1.1.1',
      claimed: this.claimed,
      machineIdentifier: this.machineIdentifier,
      version: this.version,
    });
  }

  /** Any page of the library: an empty container that says which path was asked for. */
  #page(request: IncomingMessage, response: ServerResponse, url: URL): void {
    this.#container(request, response, {
      size: 0,
      friendlyName: this.friendlyName,
      machineIdentifier: this.machineIdentifier,
      path: url.pathname,
    });
  }

  #container(
    request: IncomingMessage,
    response: ServerResponse,
    attributes: Record<string, string | number | boolean>,
  ): void {
    if (request.headers.accept?.includes('application/json') === true) {
      sendJson(response, 200, { MediaContainer: attributes });
      return;
    }
    const text = Object.entries(attributes).map(([name, value]) => ` ${name}="${xmlText(value)}"`);
    send(
      response,
      200,
      'text/xml;charset=utf-8',
      `<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer${text.join('')}>\n</MediaContainer>\n`,
    );
  }

  #claim(response: ServerResponse, url: URL): void {
    const code = url.searchParams.get('token') ?? '';
    if (this.claimed || !this.claimCodes.delete(code)) {
      send(response, 401, 'text/html', UNAUTHORIZED_PAGE);
      return;
    }
    this.claimed = true;
    send(
      response,
      200,
      'text/xml;charset=utf-8',
      '<?xml version="1.0" encoding="UTF-8"?>\n<MyPlex signInState="ok" mappingState="unknown"/>\n',
    );
  }

  #streamEvents(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.write('event: ping\ndata: {}\n\n');
    this.#eventStreams.add(response);
    response.once('close', () => this.#eventStreams.delete(response));
  }

  /** The notification socket greets, then echoes whatever it is sent. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, seen: SeenRequest): void {
    socket.on('error', () => {});
    const url = targetOf(seen);
    seen.authenticated = this.#judge(seen, url) === 200;
    if (!seen.authenticated) refuseUpgrade(socket, '401 Unauthorized', UNAUTHORIZED_PAGE);
    else if (!WEB_SOCKET_PATHS.includes(url.pathname)) refuseUpgrade(socket, '404 Not Found', '');
    else this.#webSockets.handleUpgrade(request, socket, head, greet);
  }

  #gdm(claims: { port?: number; machineIdentifier?: string } = {}): string {
    return [
      'HTTP/1.0 200 OK',
      'Content-Type: plex/media-server',
      `Host: ${CERTIFICATE_HASH}.plex.direct`,
      `Name: ${this.friendlyName}`,
      `Port: ${claims.port ?? this.port}`,
      `Resource-Identifier: ${claims.machineIdentifier ?? this.machineIdentifier}`,
      `Version: ${this.version}`,
      '',
      '',
    ].join('\r\n');
  }
}

/** The target with dot segments resolved, as a server that tidies paths reads it. */
function targetOf(seen: SeenRequest): URL {
  return new URL(`http://plex${seen.url.startsWith('/') ? seen.url : '/'}`);
}

function greet(client: WebSocket): void {
  client.on('error', () => {});
  client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
  client.send(JSON.stringify({ NotificationContainer: { type: 'status', size: 0 } }));
}

function queryToken(url: URL): string | undefined {
  for (const [name, value] of url.searchParams) {
    if (name.toLowerCase() === 'x-plex-token' && value !== '') return value;
  }
  return undefined;
}

function isExpiredJwt(token: string): boolean {
  const parts = token.split('.');
  if (parts.length !== 3) return false;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
    return (
      typeof payload === 'object' && payload !== null && 'exp' in payload && Number(payload.exp) * 1000 < Date.now()
    );
  } catch {
    return false;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, status: 401 | 498): void {
  request.resume();
  response.setHeader('Connection', 'close');
  send(response, status, 'text/html', UNAUTHORIZED_PAGE);
}

function refuseUpgrade(socket: Duplex, statusLine: string, body: string): void {
  const head = [
    `HTTP/1.1 ${statusLine}`,
    'X-Plex-Protocol: 1.0',
    'Content-Type: text/html',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function preflight(response: ServerResponse): void {
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Headers': 'X-Plex-Token',
    'Content-Length': 0,
  };
  response.writeHead(200, headers).end();
}

function webFile(response: ServerResponse, path: string): void {
  const file = WEB_FILES[path];
  if (file === undefined) send(response, 404, 'text/html', '<h1>404 Not Found</h1>');
  else send(response, 200, file.type, file.body);
}

function xmlText(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
