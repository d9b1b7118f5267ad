/** A DNS-over-HTTPS upstream (RFC 8484): POST over kept HTTP/1.1 connections, certificate verified, answers bounded. */
import { Agent, type RequestOptions, request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import { trustPublicAuthorities } from '../net/public-trust.ts';
import { isAnswerTo } from './query.ts';
import { type Upstream, UpstreamError } from './upstream.ts';
import type { UpstreamAddress } from './upstream-address.ts';
import { MAX_MESSAGE_BYTES } from './wire.ts';

const MEDIA_TYPE = 'application/dns-message';
const MAX_CONNECTIONS = 4;
const IDLE_MS = 20_000;

export interface HttpsUpstreamOptions {
  /** Certificates of authorities, PEM; absent: those that everybody trusts. */
  readonly ca: readonly string[] | undefined;
  /** Finds the addresses of an upstream that is written as a name. */
  readonly lookup: LookupFunction;
}

export class HttpsUpstream implements Upstream {
  readonly name: string;
  readonly #agent: Agent;
  readonly #request: RequestOptions;

  constructor({ host, port, path, text }: UpstreamAddress, { ca, lookup }: HttpsUpstreamOptions) {
    this.name = text;
    this.#agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS, minVersion: 'TLSv1.2' });
    this.#request = {
      agent: this.#agent,
      method: 'POST',
      host,
      port,
      path,
      lookup,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    };
  }

  /** The id stays 0 (RFC 8484 section 4.1): the connection says whose answer it is. */
  async ask(query: Buffer, timeoutMs: number): Promise<Buffer> {
    const answer = await this.#post(query, timeoutMs);
    if (!isAnswerTo(query, answer)) throw new UpstreamError('garbage', 'the answer is not for this question');
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(query: Buffer, timeoutMs: number): Promise<Buffer> {
    if (this.#request.ca === undefined) trustPublicAuthorities();
    const headers = { 'Content-Type': MEDIA_TYPE, Accept: MEDIA_TYPE, 'Content-Length': query.length };
    return new Promise((resolve, reject) => {
      const sent = request({ ...this.#request, headers }, (response) => {
        const type = response.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
        if (response.statusCode !== 200 || type !== MEDIA_TYPE) {
          sent.destroy(
            new UpstreamError('garbage', `HTTP status ${response.statusCode}, content type ${type ?? 'none'}`),
          );
          return;
        }
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes > MAX_MESSAGE_BYTES) sent.destroy(new UpstreamError('garbage', 'the answer is too long'));
        });
        response.on('end', () => resolve(Buffer.concat(chunks)));
        response.on('error', (cause) => reject(failureOf(cause)));
      });
      const deadline = setTimeout(
        () => sent.destroy(new UpstreamError('timeout', `no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      sent.on('error', (cause) => reject(failureOf(cause)));
      sent.on('close', () => {
        clearTimeout(deadline);
        reject(new UpstreamError('network', 'the upstream closed the connection'));
      });
      sent.end(query);
    });
  }
}

function failureOf(cause: unknown): UpstreamError {
  return cause instanceof UpstreamError ? cause : new UpstreamError('network', messageOf(cause), { cause });
}
