/** The head of an HTTP/2 request in the words of HTTP/1.1, which is what the policy and the media server read (RFC 9113 section 8.3). */
import type { Refuse } from '../../access/decision.ts';
import { type HeadParts, malformed, oversizedHead } from '../message.ts';

/** HTTP/1.1 has `: ` and a line's end around each field. */
const BYTES_AROUND_FIELD = 4;
const PSEUDO_FIELDS = new Set([':method', ':scheme', ':authority', ':path']);
/** They speak of a connection that other requests share (RFC 9113 section 8.2.2); `transfer-encoding` would also frame the body anew. */
const CONNECTION_SPECIFIC = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

export interface Http2Head {
  /** As far as it can be read; to be read by `readHead` like any other. */
  readonly parts: HeadParts;
  readonly byteLength: number;
  /** Why it cannot be read in exactly one way: 400, or 431 when it is over `maxBytes`. */
  readonly refusal: Refuse | undefined;
}

/** `rawHeaders`: name, value, name, value, as decoded. `hasBody`: the stream goes on behind the head. */
export function translateHead(rawHeaders: readonly string[], hasBody: boolean, maxBytes: number): Http2Head {
  const translation = new Translation(rawHeaders);
  const { pseudo, byteLength } = translation;
  const fault = translation.fault();
  return {
    parts: {
      method: pseudo.get(':method') ?? '',
      target: pseudo.get(':path') ?? '',
      httpVersion: '1.1',
      rawHeaders: translation.fields(hasBody),
    },
    byteLength,
    refusal: byteLength > maxBytes ? oversizedHead : fault === undefined ? undefined : malformed(fault),
  };
}

class Translation {
  readonly pseudo = new Map<string, string>();
  byteLength = 0;
  readonly #regular: string[] = [];
  readonly #cookies: string[] = [];
  readonly #hosts: string[] = [];
  #hasLength = false;
  #fault: string | undefined;

  constructor(rawHeaders: readonly string[]) {
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? '';
      const value = rawHeaders[index + 1] ?? '';
      this.byteLength += name.length + value.length + BYTES_AROUND_FIELD;
      if (name.startsWith(':')) this.#takePseudo(name, value);
      else this.#take(name, value);
    }
  }

  /** One sentence, or undefined. What only `readHead` knows is left to it. */
  fault(): string | undefined {
    return this.#fault ?? this.#schemeFault() ?? this.#authorityFault();
  }

  /** The fields with Host in front, cookies in one (RFC 9113 section 8.2.3), and the framing that HTTP/1.1 needs. */
  fields(hasBody: boolean): string[] {
    const host = this.pseudo.get(':authority') ?? this.#hosts[0];
    return [
      ...(host === undefined ? [] : ['host', host]),
      ...this.#regular,
      ...(this.#cookies.length === 0 ? [] : ['cookie', this.#cookies.join('; ')]),
      ...(hasBody && !this.#hasLength ? ['transfer-encoding', 'chunked'] : []),
    ];
  }

  #takePseudo(name: string, value: string): void {
    if (!PSEUDO_FIELDS.has(name) || this.pseudo.has(name)) this.#fault ??= `The field ${name} has no place here.`;
    this.pseudo.set(name, value);
  }

  #take(name: string, value: string): void {
    if (CONNECTION_SPECIFIC.has(name)) this.#fault ??= `The header ${name} does not exist in HTTP/2.`;
    else if (name === 'te' && value !== 'trailers') this.#fault ??= 'The header te may only say "trailers" in HTTP/2.';
    else if (name === 'cookie') this.#cookies.push(value);
    else if (name === 'host') this.#hosts.push(value);
    else this.#regular.push(name, value);
    if (name === 'content-length') this.#hasLength = true;
  }

  /** A gateway must not take `http` for what came over TLS, nor fetch anything for another scheme. */
  #schemeFault(): string | undefined {
    const isConnect = this.pseudo.get(':method') === 'CONNECT';
    return isConnect || this.pseudo.get(':scheme') === 'https' ? undefined : 'The scheme is not "https".';
  }

  /** Two names for one thing, unless they are the same (RFC 9113 section 8.3.1). */
  #authorityFault(): string | undefined {
    const names = new Set([this.pseudo.get(':authority') ?? this.#hosts[0], ...this.#hosts]);
    return names.size > 1 || this.#hosts.length > 1 ? 'The Host header is not the :authority.' : undefined;
  }
}
