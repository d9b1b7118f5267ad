/** One small HTTP question with bounds on everything: no redirects, no proxies, no kept connection. */
import * as http from 'node:http';
import * as https from 'node:https';
import { trustPublicAuthorities } from '../net/public-trust.ts';

const TIMEOUT_MS = 4000;
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 128 * 1024;

export interface HttpQuestion {
  readonly url: URL;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The host to connect to instead of the URL's, as sockets want it: `fe80::1%eth0`. */
  readonly connectTo?: string;
  /** The own address to ask from. */
  readonly localAddress?: string;
  /** Only addresses of this family, when the host is a name. */
  readonly family?: 4 | 6;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Undefined: no whole answer within 4 s and 128 KiB. Certificates are verified. Never rejects. */
export function askHttp(question: HttpQuestion): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    let request: http.ClientRequest | undefined;
    const settle = (answer: HttpAnswer | undefined) => {
      clearTimeout(deadline);
      request?.destroy();
      resolve(answer);
    };
    const deadline = setTimeout(() => settle(undefined), TIMEOUT_MS);
    try {
      request = send(question);
      request.on('error', () => settle(undefined));
      request.on('response', (response) => collect(response).then(settle, () => settle(undefined)));
      request.end(question.body);
    } catch {
      settle(undefined);
    }
  });
}

function send({ url, method = 'GET', headers, body, connectTo, localAddress, family }: HttpQuestion) {
  if (url.protocol === 'https:') trustPublicAuthorities();
  const { request } = url.protocol === 'https:' ? https : http;
  return request({
    hostname: connectTo ?? url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    path: url.pathname + url.search,
    method,
    headers: {
      Host: url.host,
      ...headers,
      ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    },
    agent: false,
    maxHeaderSize: MAX_HEAD_BYTES,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(family === undefined ? {} : { family }),
  });
}

async function collect(response: http.IncomingMessage): Promise<HttpAnswer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}
