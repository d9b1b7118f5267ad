/** Which web page sent a request: the gateway's own, a listed one, or a foreign one; and which origin may read a refusal. */
import type { RequestHead } from '../http/request.ts';

/** The origins whose pages may use the rights of the browser that shows them. */
export interface KnownOrigins {
  /** Scheme and Host of the request itself; undefined without a Host. */
  readonly own: string | undefined;
  /** `allowed_origins`, serialized. */
  readonly allowed: ReadonlySet<string>;
  /** The web apps of the media server's kind. */
  readonly webApps: readonly string[];
}

/** Visible ASCII: anything else is in no origin, and would reach an operator's terminal. */
const SERIALIZED = /^([a-z][a-z0-9+.-]*):\/\/((?:(?![/?#@\\"'<>])[\x21-\x7e])+)\/?$/;
const ORIGIN_OF_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };
const PAGE_HEADERS = ['origin', 'sec-fetch-site', 'referer'];
const MAX_ORIGIN_LENGTH = 300;

/** The one spelling of an origin: `scheme://host[:port]` in lower case, without a default port (RFC 6454 section 6.2). Undefined: not an origin. */
export function serializeOrigin(text: string): string | undefined {
  if (text.length > MAX_ORIGIN_LENGTH) return undefined;
  const match = SERIALIZED.exec(text.toLowerCase());
  if (match === null) return undefined;
  const [, scheme = '', authority = ''] = match;
  const port = DEFAULT_PORTS[scheme];
  return `${scheme}://${port !== undefined && authority.endsWith(port) ? authority.slice(0, -port.length) : authority}`;
}

/** The origin of a request by its own scheme and Host header. */
export function ownOrigin(host: string | undefined, isTls: boolean): string | undefined {
  return host === undefined ? undefined : serializeOrigin(`${isTls ? 'https' : 'http'}://${host}`);
}

/** Whether the Origin header is there, once, and names the gateway itself. */
export function hasOwnOrigin(head: RequestHead, own: string | undefined): boolean {
  const origin = onlyOrigin(head);
  return origin !== undefined && own !== undefined && serializeOrigin(origin) === own;
}

/** Whether a browser says that a page, own or foreign, sent the request. */
export function namesPage(head: RequestHead): boolean {
  return PAGE_HEADERS.some((name) => head.header(name) !== undefined);
}

/**
 * Whether a foreign page sent the request. The browser says so in Origin, else in Sec-Fetch-Site, else in Referer; a request with
 * none of them is no page's.
 */
export function isForeignPage(head: RequestHead, known: KnownOrigins): boolean {
  if (head.values('origin').length > 0) return !isKnown(onlyOrigin(head), known);
  const sites = head.values('sec-fetch-site');
  if (sites.length > 0) return !sites.every((site) => site === 'same-origin' || site === 'none');
  return !head.values('referer').every((referer) => referer === '' || isKnown(originOf(referer), known));
}

/** The origin of the page that a browser names as the sender, by Origin or Referer. */
export function sendingPage(head: RequestHead): string | undefined {
  const url = head.header('origin') ?? originOf(head.header('referer') ?? '');
  return url === undefined ? undefined : serializeOrigin(url);
}

/** The Origin that may read a refusal: an own or listed one, and any when the request brought credentials to be judged. */
export function readableOrigin(
  head: RequestHead,
  known: KnownOrigins,
  broughtCredentials: boolean,
): string | undefined {
  const origin = onlyOrigin(head);
  if (origin === undefined || isKnown(origin, known)) return origin;
  const isOrigin = origin === 'null' || serializeOrigin(origin) !== undefined;
  return broughtCredentials && isOrigin ? origin : undefined;
}

function originOf(url: string): string | undefined {
  return ORIGIN_OF_URL.exec(url)?.[0];
}

function onlyOrigin(head: RequestHead): string | undefined {
  const origins = head.values('origin');
  return origins.length === 1 ? origins[0] : undefined;
}

function isKnown(text: string | undefined, known: KnownOrigins): boolean {
  const origin = text === undefined ? undefined : serializeOrigin(text);
  if (origin === undefined) return false;
  return origin === known.own || known.allowed.has(origin) || known.webApps.includes(origin);
}
