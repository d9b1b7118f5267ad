/** A stand-in for Jellyfin and for Emby: what their clients and the gateway can see of them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { redirect, send, sendJson, sendMedia, silence } from './answers.ts';
import { type Responder, startResponder } from './discovery-responder.ts';
import { readBody, type SeenRequest, StandIn, type StandInOptions } from './stand-in.ts';

export interface JellyfinOptions extends StandInOptions {
  /** Default `jellyfin`. */
  readonly flavour?: 'jellyfin' | 'emby';
  readonly id?: string;
  readonly name?: string;
  readonly version?: string;
  /** The set-up wizard is finished; default true. */
  readonly wizardCompleted?: boolean;
  /** The public information says whether it is; default: Jellyfin's does, Emby's does not. */
  readonly tellsWizard?: boolean;
  /** `/jellyfin`: all routes are below it, anything else is redirected to its web client. Default none. */
  readonly basePath?: string;
  /** Tokens of users; default: `USER_TOKEN`. */
  readonly tokens?: readonly string[];
  /** API keys, which have no user; default: `API_KEY`. */
  readonly apiKeys?: readonly string[];
}

export const USER_TOKEN = 'c0ffee00c0ffee00c0ffee00c0ffee00';
export const API_KEY = '00facade00facade00facade00facade';
export const USER = { name: 'anna', password: 'secret' };

const TOKENLESS_MEDIA =
  /^\/(?:(?:items|artists)\/[^/]+\/images\/|videos\/[^/]+\/(?:[^/]+\/subtitles\/|hls|stream)|audio\/)/;
const PUBLIC_PATHS = [
  '/',
  '/health',
  '/system/ping',
  '/users/public',
  '/branding/configuration',
  '/quickconnect/enabled',
];

export async function startJellyfin(options: JellyfinOptions = {}): Promise<JellyfinStandIn> {
  const jellyfin = new JellyfinStandIn(options);
  await jellyfin.listen();
  return jellyfin;
}

export function startEmby(options: JellyfinOptions = {}): Promise<JellyfinStandIn> {
  return startJellyfin({ flavour: 'emby', ...options });
}

export class JellyfinStandIn extends StandIn {
  readonly flavour: 'jellyfin' | 'emby';
  id: string;
  name: string;
  version: string;
  wizardCompleted: boolean;
  tellsWizard: boolean;
  readonly basePath: string;
  readonly tokens: Set<string>;
  readonly apiKeys: Set<string>;
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #responders: Responder[] = [];

  constructor(options: JellyfinOptions) {
    super(
      options,
      (request, response, seen) => void this.#answer(request, response, seen).catch(() => response.destroy()),
      (request, socket, head, seen) => this.#upgrade(request, socket, head, seen),
    );
    this.flavour = options.flavour ?? 'jellyfin';
    this.id = options.id ?? (this.flavour === 'jellyfin' ? 'a'.repeat(32) : 'e'.repeat(32));
    this.name = options.name ?? `Stand-in ${this.flavour}`;
    this.version = options.version ?? (this.flavour === 'jellyfin' ? '10.11.2' : '4.9.1.80');
    this.wizardCompleted = options.wizardCompleted ?? true;
    this.tellsWizard = options.tellsWizard ?? this.flavour === 'jellyfin';
    this.basePath = options.basePath ?? '';
    this.tokens = new Set(options.tokens ?? [USER_TOKEN]);
    this.apiKeys = new Set(options.apiKeys ?? [API_KEY]);
  }

  get webSockets(): ReadonlySet<WebSocket> {
    return this.#webSockets.clients;
  }

  /** Answers `who is …Server?` until closed. `claims` overrides what the answer says. */
  async answerDiscovery(where: {
    address: string;
    port: number;
    claims?: { address?: string; id?: string };
  }): Promise<Responder> {
    const question = `who is ${this.flavour === 'jellyfin' ? 'Jellyfin' : 'Emby'}Server?`.toLowerCase();
    const claim = { Address: where.claims?.address ?? this.url, Id: where.claims?.id ?? this.id, Name: this.name };
    const answer = (text: string) => (text.toLowerCase() === question ? [JSON.stringify(claim)] : []);
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
    const url = new URL(`http://jellyfin${seen.url.startsWith('/') ? seen.url : '/'}`);
    const path = this.#route(url.pathname);
    if (path === undefined) return redirect(response, `${this.basePath}/web/`);
    const token = tokenOf(seen, url);
    seen.authenticated = token !== undefined && (this.tokens.has(token) || this.apiKeys.has(token));
    await silence(url);
    if (path === '/system/info/public') return sendJson(response, 200, this.#publicInfo());
    if (path.startsWith('/startup/')) return this.#wizard(response, seen);
    if (path === '/users/authenticatebyname') return this.#signIn(request, response, seen);
    if (path.startsWith('/web/')) return send(response, 200, 'text/html', '<!doctype html><title>Jellyfin</title>');
    if (TOKENLESS_MEDIA.test(path)) return sendMedia(request, response, url);
    if (!PUBLIC_PATHS.includes(path) && !seen.authenticated) return send(response, 401, 'text/plain', '');
    if (path === '/users/me') return this.#me(response, token ?? '');
    await readBody(request, seen);
    sendJson(response, 200, { path: url.pathname, ...seen.body });
  }

  /** The path below the base path, in lower case; undefined: not below it. */
  #route(pathname: string): string | undefined {
    let path = pathname.toLowerCase();
    if (!path.startsWith(this.basePath)) return undefined;
    path = path.slice(this.basePath.length);
    if (this.flavour === 'emby' && path.startsWith('/emby/')) path = path.slice('/emby'.length);
    return path === '' ? '/' : path;
  }

  #publicInfo(): object {
    const info = { LocalAddress: this.url, ServerName: this.name, Version: this.version, Id: this.id };
    const product = this.flavour === 'jellyfin' ? { ProductName: 'Jellyfin Server' } : {};
    return { ...info, ...product, ...(this.tellsWizard ? { StartupWizardCompleted: this.wizardCompleted } : {}) };
  }

  /** While it is open, anybody may set the administrator. */
  #wizard(response: ServerResponse, seen: SeenRequest): void {
    seen.authenticated ||= !this.wizardCompleted;
    if (seen.authenticated) sendJson(response, 200, {});
    else send(response, 401, 'text/plain', '');
  }

  async #signIn(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): Promise<void> {
    const body = await readBody(request, seen);
    const { Username, Pw } = JSON.parse(body.toString()) as { Username?: string; Pw?: string };
    const device = seen.header('authorization') ?? seen.header('x-emby-authorization') ?? '';
    if (!/DeviceId=/i.test(device)) return send(response, 400, 'text/plain', 'no device');
    if (Username !== USER.name || Pw !== USER.password) return send(response, 401, 'text/plain', '');
    sendJson(response, 200, { AccessToken: [...this.tokens][0], User: { Name: USER.name } });
  }

  /** An API key has no user. */
  #me(response: ServerResponse, token: string): void {
    if (this.tokens.has(token)) sendJson(response, 200, { Name: USER.name });
    else send(response, 400, 'text/plain', '');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, seen: SeenRequest): void {
    socket.on('error', () => {});
    const url = new URL(`http://jellyfin${seen.url}`);
    const token = tokenOf(seen, url);
    seen.authenticated = token !== undefined && (this.tokens.has(token) || this.apiKeys.has(token));
    const isSocket = ['/socket', '/embywebsocket'].includes(this.#route(url.pathname) ?? '');
    if (!seen.authenticated || !isSocket) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => {});
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
      client.send(JSON.stringify({ MessageType: 'ForceKeepAlive', Data: 60 }));
    });
  }
}

/** Where the real servers look, in their order. */
function tokenOf(seen: SeenRequest, url: URL): string | undefined {
  const authorization = seen.header('x-emby-authorization') ?? seen.header('authorization') ?? '';
  const inAuthorization = authorization.match(/^(?:MediaBrowser|Emby) .*\bToken="?([^",]*)/i)?.[1];
  const inQuery = [...url.searchParams].find(([name]) => /^(api_?key|x-emby-token)$/i.test(name))?.[1];
  const candidates = [inAuthorization, seen.header('x-emby-token'), seen.header('x-mediabrowser-token'), inQuery];
  return candidates.find((candidate) => candidate !== undefined && candidate !== '');
}
