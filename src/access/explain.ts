/** `explain`: a request that nobody sent, the decision that it would get, and why. */
import type { Peer, RequestHead } from '../http/request.ts';
import { GatewayError } from '../lib/errors.ts';
import { addressFamily, canonicalAddress } from '../net/address.ts';
import type { ServerKindName } from '../server/kind.ts';
import type { Decision, RuleName } from './decision.ts';
import type { Facts, ServerFacts } from './facts.ts';
import { type ListStanding, reasonInWords } from './networks.ts';

/** Of a server that was seen, why its state is not known. */
const UNKNOWN = { down: 'away', 'other-server': 'another one than expected' };

/** What somebody might send. Everything but `from` has a default: GET / over TLS, by address literal, with nothing brought along. */
export interface Supposition {
  /** Address of the TCP peer. */
  readonly from: string;
  readonly host?: string | undefined;
  /** Path, perhaps with a query. */
  readonly path?: string | undefined;
  readonly method?: string | undefined;
  readonly isPlain?: boolean | undefined;
  readonly token?: string | undefined;
  readonly origin?: string | undefined;
  readonly hasSession?: boolean | undefined;
  readonly forwardedFor?: string | undefined;
}

/** The answer of `explain`. */
export interface Explanation {
  readonly rule: RuleName;
  readonly action: Decision['action'];
  /** What would happen, in one sentence. */
  readonly outcome: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** What would change the outcome; absent: nothing in the configuration. */
  readonly change?: string;
}

/** The gateway's side of a supposed connection. */
export interface SupposedListener {
  readonly address: string;
  readonly port: number;
}

/** What the supposition is filled in with. */
export interface SuppositionContext {
  readonly listener: SupposedListener;
  readonly kind: ServerKindName;
  /** A Set-Cookie value of a good session. */
  readonly sessionCookie: string;
}

/** The supposition as a request. Throws `usage` when `from` is not an address or the path is none. */
export function supposedRequest(
  supposition: Supposition,
  { listener, kind, sessionCookie }: SuppositionContext,
): { head: RequestHead; peer: Peer } {
  const address = canonicalAddress(supposition.from);
  if (address === undefined) throw new GatewayError('usage', `${JSON.stringify(supposition.from)} is not an address`);
  const { method = 'GET', path: target = '/', isPlain = false } = supposition;
  if (!/^[/*][\x21-\x7e]*$/.test(target)) throw new GatewayError('usage', `${JSON.stringify(target)} is not a path`);
  const peer: Peer = {
    address,
    port: 0,
    fromProxyHeader: false,
    tls: !isPlain,
    serverName: undefined,
    localAddress: listener.address,
    localPort: listener.port,
  };
  const headers = Object.entries({
    Host: supposition.host ?? literal(listener.address),
    [kind === 'plex' ? 'X-Plex-Token' : 'X-Emby-Token']: supposition.token,
    Origin: supposition.origin,
    'X-Forwarded-For': supposition.forwardedFor,
    Cookie: supposition.hasSession === true ? sessionCookie.split(';', 1)[0] : undefined,
  }).filter((header): header is [string, string] => header[1] !== undefined);
  return { head: supposedHead(method, target, headers), peer };
}

/** What says which page a browser comes from, and what it would like to see: of this request, not of its sender. */
const OF_THE_PAGE = new Set(['origin', 'referer', 'sec-fetch-site', 'accept']);

/** A plain GET of `path` by the sender of `head`, with all that tells who it is. */
export function samePerson(head: RequestHead, path: string): RequestHead {
  const { rawHeaders } = head;
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
  return supposedHead(
    'GET',
    path,
    pairs.filter(([name]) => !OF_THE_PAGE.has(name.toLowerCase())),
  );
}

function supposedHead(method: string, target: string, headers: readonly (readonly [string, string])[]): RequestHead {
  const [path = '', ...query] = target.split('?');
  const values = (name: string) => headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return {
    method: method.toUpperCase(),
    target,
    path,
    query: query.join('?'),
    httpVersion: '1.1',
    rawHeaders: headers.flat(),
    values,
    header: (name) => values(name)[0],
    hasBody: false,
    upgrade: false,
  };
}

function literal(address: string): string {
  return addressFamily(address) === 6 ? `[${address}]` : address;
}

/** What is to be said about a decision. */
export function explanation(
  decision: Decision,
  facts: Facts,
  about: { readonly list: ListStanding; readonly kindTitle: string; readonly change: string | undefined },
): Explanation {
  const { rule, action } = decision;
  const explained = { rule, action, outcome: outcomeOf(decision), facts: shownFacts(facts, about) };
  return about.change === undefined ? explained : { ...explained, change: about.change };
}

const FORWARDED = {
  keep: 'forwarded as it is',
  replace: 'forwarded with the token of the gateway',
  remove: 'forwarded without credentials',
} as const;

function outcomeOf(decision: Decision): string {
  switch (decision.action) {
    case 'forward':
      return FORWARDED[decision.credentials];
    case 'refuse':
      return `refused with ${decision.status} ${decision.reason}: ${decision.detail}`;
    case 'redirect':
      return `sent to ${decision.location} (${decision.status})`;
    case 'page':
      return `gets the gateway's ${decision.page} page${decision.scope === 'none' ? '' : `, ${decision.scope}`}`;
    case 'preflight':
      return `answered by the gateway, ${decision.corsOrigin === undefined ? 'without leave' : 'with leave'} to go on`;
    case 'identity':
      return 'answered by the gateway from the last probe';
  }
}

function shownFacts(
  facts: Facts,
  { list, kindTitle }: { readonly list: ListStanding; readonly kindTitle: string },
): Record<string, string | number | boolean> {
  return {
    client: facts.address ?? 'unknown',
    place: facts.place,
    tls: facts.isTls,
    host: facts.host ?? '',
    'host is foreign': facts.hostIsForeign,
    'page is foreign': facts.pageIsForeign,
    credentials: facts.credentials,
    'in allowed_networks': facts.isInAllowedNetworks,
    'list in force': `${list.isInForce ? 'yes' : 'no'} (${list.because}: ${reasonInWords(list)})`,
    'PIN session': facts.hasValidSession,
    'address known': facts.isKnownAddress,
    'throttled for seconds': facts.throttledForSeconds,
    server: shownServer(facts.server, kindTitle),
    'on the viewer list': facts.isViewerRequest,
  };
}

/** Before a server was seen, its kind may be a guess. */
function shownServer({ state, unknownBecause, isOutdated }: ServerFacts, kindTitle: string): string {
  if (unknownBecause === 'starting') return 'not found yet';
  const standing = unknownBecause === undefined ? state : UNKNOWN[unknownBecause];
  return `${kindTitle}, ${standing}${isOutdated ? ', outdated' : ''}`;
}
