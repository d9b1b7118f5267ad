/** HTTPS to a certificate authority: bounded in time and size, no redirects, certificates verified. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { messageOf, systemCodeOf } from '../../lib/errors.ts';
import { VERSION } from '../../lib/version.ts';
import { trustPublicAuthorities } from '../../net/public-trust.ts';
import { AcmeProblem, nonsense } from './problem.ts';

/** From the look-up of the name to the last byte. */
const TIMEOUT_MS = 30_000;
const MAX_HEAD_BYTES = 16 * 1024;
/** Chains and directories are a few KiB. */
const MAX_BODY_BYTES = 256 * 1024;
/** The longest wait that is believed: rate limits are counted in days. */
const MAX_RETRY_AFTER_MS = 8 * 24 * 60 * 60_000;

export interface TransportOptions {
  /** A certificate that the authority's own is issued by, PEM; undefined: those that everybody trusts. */
  readonly ca?: string | undefined;
  /** Ends every exchange. */
  readonly signal: AbortSignal;
}

export interface Exchange {
  readonly url: string;
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** JWS in JSON. */
  readonly body?: string;
  readonly accept?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What Retry-After asks for; undefined: nothing that can be read. */
  readonly retryAfterMs: number | undefined;
}

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Rejects `AcmeProblem` when there is no whole answer within the bounds. Redirects are answers. */
  async ask(exchange: Exchange): Promise<Answer> {
    const url = readUrl(exchange.url);
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      return await this.#send(url, exchange, signal);
    } catch (cause) {
      if (cause instanceof AcmeProblem) throw cause;
      throw unreachable(url, signal.aborted ? 'no answer in time' : reasonOf(cause), cause);
    }
  }

  #send(url: URL, { method, body, accept = 'application/json' }: Exchange, signal: AbortSignal): Promise<Answer> {
    const headers = {
      'User-Agent': `lockgate/${VERSION}`,
      'Accept-Language': 'en',
      Accept: accept,
      ...(body === undefined
        ? {}
        : { 'Content-Type': 'application/jose+json', 'Content-Length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const { ca } = this.#options;
      if (ca === undefined) trustPublicAuthorities();
      // A connection of its own each time: a kept one may be closed by the other side in the moment in which it is used again.
      const bounds = { agent: false, maxHeaderSize: MAX_HEAD_BYTES, minVersion: 'TLSv1.2', signal } as const;
      const sent = request(url, { method, headers, ...bounds, ...(ca === undefined ? {} : { ca }) });
      sent.on('error', reject);
      sent.on('response', (response) => collect(response).then(resolve, reject));
      sent.end(body);
    });
  }
}

/** Every address that an authority hands out must be https (RFC 8555 section 6.1). */
function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') throw nonsense('hands out an address that is not https');
  return url;
}

async function collect(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw nonsense(`sends more than ${MAX_BODY_BYTES} bytes at once`);
    chunks.push(chunk);
  }
  const { headers, statusCode = 0 } = response;
  return {
    status: statusCode,
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
    retryAfterMs: readRetryAfter(headers['retry-after'], Date.now()),
  };
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
export function readRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);
const CLOCK = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

/** The runtime's own words for an authority that is not trusted speak of how to start it. */
function reasonOf(cause: unknown): string {
  return UNTRUSTED.has(systemCodeOf(cause) ?? '')
    ? 'its own certificate is of nobody who is trusted here'
    : messageOf(cause);
}

function unreachable(url: URL, reason: string, cause: unknown): AcmeProblem {
  const code = systemCodeOf(cause) ?? '';
  const detail = `the authority ${url.host} cannot be asked: ${reason}`;
  return new AcmeProblem({ type: 'unreachable', detail, hint: remedyFor(code), cause });
}

function remedyFor(code: string): string {
  if (UNTRUSTED.has(code)) return 'name the root certificate of a private authority in [acme] ca_file';
  if (CLOCK.has(code)) return 'see that the clock of this machine is right';
  return 'see that this machine reaches the Internet and can look up names; it is tried again by itself';
}
