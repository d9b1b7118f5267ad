/** What Jellyfin and Emby have in common: both come from MediaBrowser. */
import { isNormalPath } from '../lib/path.ts';
import { queryValues, removeQueryArguments } from '../lib/query.ts';
import { changeHeaders, foundAmong, headerValues, isTokenText } from './credential-places.ts';
import type { AskServer, CredentialCarrier, ServerAnswer, ServerIdentity, ServerKind, Verdict } from './kind.ts';
import type { LanDiscovery } from './lan-discovery.ts';
import { AUTHORIZATION_HEADERS, authorizationTokens, withoutTokens } from './media-browser-authorization.ts';
import { isWizardPath, mediaBrowserPaths } from './media-browser-paths.ts';
import { PROBE_TIMEOUT_MS, unlessBusy } from './probe.ts';

const IDENTITY_PATH = '/System/Info/Public';
const TOKEN_HEADERS: ReadonlySet<string> = new Set(['x-emby-token', 'x-mediabrowser-token']);
/** ASP.NET ignores case here. Emby takes its headers as arguments too. */
const TOKEN_ARGUMENTS: ReadonlySet<string> = new Set(['apikey', 'api_key', ...TOKEN_HEADERS]);
const MAX_VALUE_LENGTH = 200;

/** The fields of `/System/Info/Public` that matter. */
export interface PublicInfo {
  readonly id: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly productName: string | undefined;
  /** The set-up wizard is finished; undefined: the answer does not say. */
  readonly wizardCompleted: boolean | undefined;
}

/** Where the two differ. */
export interface Flavour {
  readonly name: 'jellyfin' | 'emby';
  readonly title: string;
  /** What the server calls itself in `ProductName`; undefined: it has no such field. */
  readonly productName: string | undefined;
  /** A prefix that its routes take although no base path is set. */
  readonly alwaysOptionalPrefix: string;
  readonly discoveryQuestion: string;
  recognizes(info: PublicInfo): boolean;
  /** Asked when the public information does not say whether the wizard is finished. */
  readonly wizardQuestion: string | undefined;
  authorize(token: string): Readonly<Record<string, string>>;
}

export function mediaBrowserKind(flavour: Flavour, basePath = ''): ServerKind {
  const paths = mediaBrowserPaths([basePath, flavour.alwaysOptionalPrefix]);
  return {
    name: flavour.name,
    title: flavour.title,
    defaultPort: 8096,
    hasIdentity: true,
    discovery: discovery(flavour.discoveryQuestion),
    atBasePath: (other) => mediaBrowserKind(flavour, other),

    identify: (ask) => identify(flavour, ask),
    readIdentity: (body) => recognize(flavour, body, basePath),
    mayChangeClaim: (_method, path) => isWizardPath(path),
    isIdentity: paths.isIdentity,
    renderIdentity: (identity) => ({
      contentType: 'application/json; charset=utf-8',
      body: JSON.stringify({
        ServerName: identity.name,
        Version: identity.version,
        ProductName: flavour.productName,
        Id: identity.id,
        StartupWizardCompleted: identity.claimed,
      }),
    }),

    findCredentials: (head) =>
      foundAmong([
        ...headerValues(head, TOKEN_HEADERS),
        ...headerValues(head, AUTHORIZATION_HEADERS).flatMap(authorizationTokens),
        ...queryValues(head.query, TOKEN_ARGUMENTS),
      ]),
    verify: (ask, credential) => verify(ask, basePath, credential, flavour),
    replaceCredentials,
    unauthorizedHeaders: {},

    webClientPath: `${basePath}/web/index.html`,
    webOrigins: [],
    isWebClient: paths.isWebClient,
    isViewerRequest: (_method, path) => paths.isViewerRequest(path),
    isSignIn: paths.isSignIn,
    isTokenlessMedia: paths.isTokenlessMedia,
    isBareStream: () => false,

    minimumSafeVersion: undefined,
  };
}

/** A server with a base path redirects everything else to `BASE/web/`: that is how the base path is found. */
async function identify(flavour: Flavour, ask: AskServer): Promise<ServerIdentity | undefined> {
  const answer = await question(ask, IDENTITY_PATH);
  const basePath = basePathOf(answer);
  const information = basePath === '' ? answer : await question(ask, basePath + IDENTITY_PATH);
  if (information.status !== 200) return undefined;
  const identity = recognize(flavour, information.body, basePath);
  if (identity === undefined || identity.claimed !== undefined || flavour.wizardQuestion === undefined) return identity;
  return { ...identity, claimed: await isWizardFinished(ask, basePath + flavour.wizardQuestion) };
}

async function question(ask: AskServer, path: string): Promise<ServerAnswer> {
  return unlessBusy(await ask({ path, headers: { Accept: 'application/json' }, timeoutMs: PROBE_TIMEOUT_MS }));
}

/** A finished wizard refuses; an open one answers. Anything else does not tell. */
async function isWizardFinished(ask: AskServer, path: string): Promise<boolean | undefined> {
  const { status } = await question(ask, path);
  if (status === 401 || status === 403) return true;
  return status === 200 ? false : undefined;
}

function basePathOf(answer: ServerAnswer): string {
  const { location } = answer.headers;
  if (answer.status < 300 || answer.status > 399 || typeof location !== 'string') return '';
  const basePath = location.match(/^(?:https?:\/\/[^/]*)?((?:\/[\w.~-]+){1,4})\/web\/(?:index\.html)?$/i)?.[1] ?? '';
  return isNormalPath(basePath) ? basePath : '';
}

function recognize(flavour: Flavour, body: Buffer, basePath: string): ServerIdentity | undefined {
  const info = readPublicInfo(body);
  if (info === undefined || !flavour.recognizes(info)) return undefined;
  return { id: info.id, name: info.name, version: info.version, claimed: info.wizardCompleted, basePath };
}

function readPublicInfo(body: Buffer): PublicInfo | undefined {
  const fields = readObject(body);
  const id = textOf(fields['Id']);
  if (id === undefined) return undefined;
  const wizardCompleted = fields['StartupWizardCompleted'];
  return {
    id,
    name: textOf(fields['ServerName']),
    version: textOf(fields['Version']),
    productName: textOf(fields['ProductName']),
    wizardCompleted: typeof wizardCompleted === 'boolean' ? wizardCompleted : undefined,
  };
}

/** `GET /Users/Me` knows users' tokens; an API key has no user, but may read `/System/Info`. */
async function verify(ask: AskServer, basePath: string, token: string, flavour: Flavour): Promise<Verdict> {
  if (!isTokenText(token)) return { verdict: 'invalid', status: 401 };
  try {
    const user = await ask({ path: `${basePath}/Users/Me`, headers: flavour.authorize(token) });
    if (user.status === 200) return { verdict: 'valid' };
    if (user.status === 401) return { verdict: 'invalid', status: 401 };
    const system = await ask({ path: `${basePath}/System/Info`, headers: flavour.authorize(token) });
    if (system.status === 200) return { verdict: 'valid' };
    return system.status === 401 ? { verdict: 'invalid', status: 401 } : { verdict: 'unverifiable' };
  } catch {
    return { verdict: 'unverifiable' };
  }
}

/** No token is ever added: an API key is an administrator. */
function replaceCredentials(request: CredentialCarrier): { target: string; rawHeaders: string[] } {
  const rawHeaders = changeHeaders(request.rawHeaders, (name, value) => {
    if (TOKEN_HEADERS.has(name)) return undefined;
    return AUTHORIZATION_HEADERS.has(name) ? withoutTokens(value) : value;
  });
  return { target: removeQueryArguments(request.target, TOKEN_ARGUMENTS), rawHeaders };
}

/** A question by broadcast; the answer is JSON with the address that the server believes to have, of which only the port counts. */
function discovery(text: string): LanDiscovery {
  return {
    group: undefined,
    port: 7359,
    question: text,
    readAnswer(datagram) {
      const fields = readObject(datagram);
      const id = textOf(fields['Id']);
      const address = URL.parse(textOf(fields['Address']) ?? '');
      if (id === undefined || address === null || !/^https?:$/.test(address.protocol)) return undefined;
      const scheme = address.protocol === 'https:' ? 'https' : 'http';
      return { id, scheme, port: Number(address.port) || (scheme === 'https' ? 443 : 80) };
    },
  };
}

function readObject(json: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_VALUE_LENGTH ? value : undefined;
}
