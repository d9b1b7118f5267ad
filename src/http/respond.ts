/** The gateway's own answers: refusals, redirects, preflights and the identity, each with the headers that browsers and apps need. */
import { STATUS_CODES } from 'node:http';
import type { AnswerIdentity, Preflight, Redirect, RefusalReason, Refuse } from '../access/decision.ts';
import { GatewayError } from '../lib/errors.ts';
import type { ClientAnswer, ReceivedRequest } from './client-message.ts';
import { endAfterBody, isBodyPending, type LingerLimits } from './lingering.ts';
import { ERROR_PAGE_HEADERS, renderErrorPage } from './pages/error-page.ts';
import type { RequestHead } from './request.ts';

/** Where the PIN page is (policy rule 3). */
const SIGN_IN_PATH = '/.lockgate/signin';
const REASON_HEADER = 'X-Lockgate-Reason';
const PREFLIGHT_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
/** Header names as a browser lists them; anything else is not echoed. */
const HEADER_NAME_LIST = /^[\w\-, ]{1,2048}$/;

/** 498 is the server's own, for a token that has expired. */
const UNAUTHORIZED: ReadonlySet<number> = new Set([401, 498]);

const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A complete answer; the length of the body and the connection fields are added when it is sent. */
export interface OwnAnswer {
  readonly status: number;
  /** Name, value, name, value. */
  readonly fields: readonly string[];
  readonly body: string;
  /** The connection ends after it, whatever the client asked for. */
  readonly closes?: boolean;
}

/**
 * An error of the gateway's own: always with `X-Lockgate-Reason`, readable by the origin that the policy names. `head` absent: the
 * request could not be read. `extraHeaders` are the server kind's, for its apps; they win over the gateway's.
 */
export function refusalAnswer(
  refusal: Refuse,
  head?: RequestHead,
  extraHeaders: Readonly<Record<string, string>> = {},
): OwnAnswer {
  const extra = UNAUTHORIZED.has(refusal.status) ? extraHeaders : {};
  const isHtml = prefersHtml(head?.header('accept')) || wantsHtml(extra);
  const fields = [
    ...(isHtml ? HTML_FIELDS : TEXT_FIELDS),
    ...corsFields(refusal.corsOrigin),
    ...reasonFields(refusal.reason),
    ...(refusal.retryAfterSeconds === undefined ? [] : ['Retry-After', String(refusal.retryAfterSeconds)]),
  ];
  const body = isHtml ? errorPage(refusal) : `${refusal.detail}\n`;
  return { status: refusal.status, fields: withExtra(fields, extra), body, closes: wantsClose(extra) };
}

/** 302 or 308 to the decision's location. */
export function redirectAnswer(redirect: Redirect): OwnAnswer {
  const fields = ['Location', redirect.location, ...TEXT_FIELDS];
  fields.push(...corsFields(redirect.corsOrigin), ...reasonFields(redirect.reason));
  return { status: redirect.status, fields, body: `${redirect.location}\n` };
}

/** A preflight that is answered here: the real request may then be sent, and its refusal read (Fetch standard, CORS protocol). */
export function preflightAnswer(preflight: Preflight, head: RequestHead): OwnAnswer {
  const fields = ['Cache-Control', 'no-store', ...corsFields(preflight.corsOrigin)];
  if (preflight.corsOrigin === undefined) return { status: 204, fields, body: '' };
  fields.push('Access-Control-Allow-Methods', PREFLIGHT_METHODS);
  const wanted = head.header('access-control-request-headers');
  if (wanted !== undefined && HEADER_NAME_LIST.test(wanted)) fields.push('Access-Control-Allow-Headers', wanted);
  if (head.header('access-control-request-private-network') === 'true') {
    fields.push('Access-Control-Allow-Private-Network', 'true');
  }
  return { status: 204, fields, body: '' };
}

/** The public identity endpoint, from the last probe. */
export function identityAnswer(identity: { contentType: string; body: string }, decision: AnswerIdentity): OwnAnswer {
  const fields = [
    'Content-Type',
    identity.contentType,
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
  ];
  return { status: 200, fields: fields.concat(corsFields(decision.corsOrigin)), body: identity.body };
}

/**
 * Sends an answer of the gateway's own. The connection ends after it when `closing`, when the answer says so, or when a body is still
 * coming, of which a little is read first.
 */
export function sendAnswer(
  exchange: { readonly request: ReceivedRequest; readonly response: ClientAnswer },
  answer: OwnAnswer,
  options: { readonly closing: boolean; readonly limits: LingerLimits },
): void {
  const { request, response } = exchange;
  const body = Buffer.from(answer.body);
  const fields = answer.status === 204 ? answer.fields : [...answer.fields, 'Content-Length', String(body.length)];
  if (options.closing || answer.closes === true || isBodyPending(request)) response.shouldKeepAlive = false;
  response.writeHead(answer.status, reasonPhrase(answer.status), [...fields]);
  if (!isBodyPending(request)) {
    response.end(body);
    return;
  }
  response.flushHeaders();
  if (body.length > 0) response.write(body);
  endAfterBody(request, response, options.limits);
}

/**
 * The bytes of an answer to `method`. `connectionLines`: what they say about the connection; without, it closes. Throws `defect` rather
 * than writing a field that would be more than one.
 */
export function formatAnswer(answer: OwnAnswer, method = 'GET', connectionLines = 'Connection: close\r\n'): string {
  const { status, body } = answer;
  const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  const fields = [...answer.fields, ...length];
  if (!fields.every((part) => FIELD_TEXT.test(part))) throw new GatewayError('defect', 'a field cannot be written');
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  for (let index = 0; index + 1 < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return `${text}${connectionLines}\r\n${method === 'HEAD' ? '' : body}`;
}

const OWN_FIELDS = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff', 'Referrer-Policy', 'no-referrer'];
const TEXT_FIELDS = ['Content-Type', 'text/plain; charset=utf-8', ...OWN_FIELDS];
const HTML_FIELDS = Object.entries(ERROR_PAGE_HEADERS).flat();

function corsFields(origin: string | undefined): string[] {
  if (origin === undefined) return ['Vary', 'Origin'];
  return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', REASON_HEADER, 'Vary', 'Origin'];
}

function reasonFields(reason: RefusalReason | undefined): string[] {
  return reason === undefined ? [] : [REASON_HEADER, reason];
}

/** Replaces fields of the same name; `Connection` is the sender's to write. */
function withExtra(fields: readonly string[], extra: Readonly<Record<string, string>>): string[] {
  const added = Object.entries(extra).filter(([name]) => name.toLowerCase() !== 'connection');
  const names = new Set(added.map(([name]) => name.toLowerCase()));
  const kept = fields.filter((_, index) => !names.has((fields[index - (index % 2)] ?? '').toLowerCase()));
  return kept.concat(added.flat());
}

function wantsHtml(extra: Readonly<Record<string, string>>): boolean {
  return Object.entries(extra).some(
    ([name, value]) => name.toLowerCase() === 'content-type' && value.startsWith('text/html'),
  );
}

function wantsClose(extra: Readonly<Record<string, string>>): boolean {
  return Object.entries(extra).some(([name, value]) => name.toLowerCase() === 'connection' && value === 'close');
}

/** True when Accept names `text/html` and rates it no lower than `text/plain` (RFC 9110 section 12.5.1). */
function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const html = quality(accept, 'text/html');
  return html > 0 && html >= quality(accept, 'text/plain');
}

function quality(accept: string, mediaType: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (type !== mediaType) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  }
  return 0;
}

function errorPage(refusal: Refuse): string {
  return renderErrorPage({
    status: refusal.status,
    title: TITLES[refusal.reason],
    detail: refusal.detail,
    reason: refusal.reason,
    ...(refusal.offerSignIn === true ? { signInPath: SIGN_IN_PATH } : {}),
  });
}

const TITLES: Readonly<Record<RefusalReason, string>> = {
  malformed: 'This request cannot be read',
  'plain-http': 'A secure connection is needed',
  unclaimed: 'The media server is not set up yet',
  'outdated-server': 'The media server needs an update',
  'no-credentials': 'Sign in first',
  'bad-credentials': 'The sign-in is not valid any more',
  'not-permitted': 'This needs a sign-in of your own',
  'not-found': 'There is nothing here',
  host: 'This name is not known here',
  origin: 'Another web page asked for this',
  throttled: 'Too many attempts',
  'too-large': 'This request is too large',
  'server-down': 'The media server does not answer',
  starting: 'Not ready yet',
  'server-timeout': 'The media server takes too long',
};

/** 498 is not registered; Plex Media Server and its apps know it as an expired token. */
function reasonPhrase(status: number): string {
  return status === 498 ? 'Invalid Token' : (STATUS_CODES[status] ?? 'Error');
}
