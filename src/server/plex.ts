/** Plex Media Server. */
import { isNormalPath, pathVariants } from '../lib/path.ts';
import { queryValues, removeQueryArguments } from '../lib/query.ts';
import { changeHeaders, foundAmong, isTokenText } from './credential-places.ts';
import { gdm } from './gdm.ts';
import type { AskServer, ServerIdentity, ServerKind, Verdict } from './kind.ts';
import { compilePatterns } from './path-patterns.ts';
import { readPlexIdentity, renderPlexIdentity } from './plex-identity.ts';
import { isPlexViewerRequest } from './plex-viewer.ts';
import { PROBE_TIMEOUT_MS, unlessBusy } from './probe.ts';

const IDENTITY_PATH = '/identity';
/** The header, the query argument, and (a server says `requestParametersInCookie`) perhaps a cookie. */
const TOKEN_NAME = 'X-Plex-Token';
const TOKEN_HEADER = TOKEN_NAME.toLowerCase();
const TOKEN_NAMES: ReadonlySet<string> = new Set([TOKEN_HEADER]);
const TOKEN_COOKIE = /(?:^|;)\s*X-Plex-Token\s*=[^;]*/gi;

const isWebClientPath = compilePatterns(['/web/**']);
const isStream = compilePatterns(['/library/streams/**']);
const isAccountPath = compilePatterns(['/myplex/**']);

export const plex: ServerKind = {
  name: 'plex',
  title: 'Plex Media Server',
  defaultPort: 32400,
  hasIdentity: true,
  discovery: gdm,
  atBasePath: () => plex,

  identify,
  readIdentity: readPlexIdentity,
  mayChangeClaim: (method, path) => method !== 'GET' && method !== 'HEAD' && pathVariants(path).some(isAccountPath),
  isIdentity: (path) => path === IDENTITY_PATH,
  renderIdentity: renderPlexIdentity,

  findCredentials: (head) => foundAmong(head.values(TOKEN_HEADER).concat(queryValues(head.query, TOKEN_NAMES))),
  verify,
  replaceCredentials(request, token) {
    const rawHeaders = changeHeaders(request.rawHeaders, withoutToken);
    if (token !== undefined) rawHeaders.push(TOKEN_NAME, token);
    return { target: removeQueryArguments(request.target, TOKEN_NAMES), rawHeaders };
  },
  unauthorizedHeaders: { 'X-Plex-Protocol': '1.0', 'Content-Type': 'text/html', Connection: 'close' },

  webClientPath: '/web/index.html',
  webOrigins: ['https://app.plex.tv', 'https://watch.plex.tv', 'https://listen.plex.tv'],
  isWebClient: (path) => isNormalPath(path) && isWebClientPath(path),
  isViewerRequest: isPlexViewerRequest,
  isSignIn: () => false,
  isTokenlessMedia: () => false,
  isBareStream: isStream,

  minimumSafeVersion: '1.43.3',
};

async function identify(ask: AskServer): Promise<ServerIdentity | undefined> {
  const answer = unlessBusy(
    await ask({ path: IDENTITY_PATH, headers: { Accept: 'application/json' }, timeoutMs: PROBE_TIMEOUT_MS }),
  );
  return answer.status === 200 ? readPlexIdentity(answer.body) : undefined;
}

/** `GET /` with the token: 200 is valid, 401 and 498 are not, anything else says nothing. */
async function verify(ask: AskServer, credential: string): Promise<Verdict> {
  if (!isTokenText(credential)) return { verdict: 'invalid', status: 401 };
  const headers = { Accept: 'application/json', [TOKEN_NAME]: credential };
  try {
    const { status } = await ask({ path: '/', headers });
    if (status === 200) return { verdict: 'valid' };
    return status === 401 || status === 498 ? { verdict: 'invalid', status } : { verdict: 'unverifiable' };
  } catch {
    return { verdict: 'unverifiable' };
  }
}

/** Undefined for the token header; a Cookie header loses its token, and goes when nothing else is in it. */
function withoutToken(name: string, value: string): string | undefined {
  if (TOKEN_NAMES.has(name)) return undefined;
  if (name !== 'cookie') return value;
  const rest = value.replace(TOKEN_COOKIE, '').replace(/^;\s*/, '');
  return rest.trim() === '' ? undefined : rest;
}
