/** The gateway's own questions over HTTP: small, bounded in time and size, without redirects, proxies or kept connections. */
import * as http from 'node:http';
import * as https from 'node:https';
import { messageOf, systemCodeOf } from '../lib/errors.ts';
import { trustPublicAuthorities } from '../net/public-trust.ts';
import type { AskServer, ServerAnswer, ServerQuestion } from './kind.ts';
import { ServerTrouble, type TroubleKind } from './trouble.ts';

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_BODY_BYTES = 256 * 1024;
const MAX_HEAD_BYTES = 64 * 1024;

export interface AskOptions {
  /** `http(s)://host:port`, perhaps with a path that comes before that of every question. */
  readonly baseUrl: string;
  /**
   * False towards a media server: its certificate names never match an address, and who it is is judged by its identity. True
   * towards a service on the Internet.
   */
  readonly verifyCertificate: boolean;
}

/** A way to ask one server. Every question is a connection of its own. Rejects with `ServerTrouble` only. */
export function createAsk(options: AskOptions): AskServer {
  const base = new URL(options.baseUrl);
  return (question) => ask(base, options.verifyCertificate, question);
}

function ask(base: URL, verifyCertificate: boolean, question: ServerQuestion): Promise<ServerAnswer> {
  const timeoutMs = question.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    let request: http.ClientRequest;
    const fail = (error: ServerTrouble) => {
      clearTimeout(deadline);
      request?.destroy();
      reject(error);
    };
    const deadline = setTimeout(() => fail(new ServerTrouble('silent', `no answer within ${timeoutMs} ms`)), timeoutMs);
    const receive = (response: http.IncomingMessage) =>
      collect(response, question.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES).then((answer) => {
        clearTimeout(deadline);
        resolve(answer);
      }, fail);
    try {
      request = send(base, verifyCertificate, question).on('response', receive);
      request.on('error', (error) => fail(troubleOf(error)));
      request.end(question.body);
    } catch (error) {
      fail(new ServerTrouble('nonsense', `the question cannot be sent: ${messageOf(error)}`, error));
    }
  });
}

/** An agent of its own for each request: no kept connection, and none of the environment's proxies. */
function send(base: URL, verifyCertificate: boolean, question: ServerQuestion): http.ClientRequest {
  const options: https.RequestOptions = {
    hostname: base.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: base.port,
    path: base.pathname.replace(/\/$/, '') + question.path,
    method: question.method ?? 'GET',
    headers: {
      ...question.headers,
      ...(question.body === undefined ? {} : { 'Content-Length': byteLength(question.body) }),
    },
    maxHeaderSize: MAX_HEAD_BYTES,
  };
  if (base.protocol === 'http:') return http.request({ ...options, agent: new http.Agent({ keepAlive: false }) });
  if (verifyCertificate) trustPublicAuthorities();
  const agent = new https.Agent({ keepAlive: false, maxCachedSessions: 0, rejectUnauthorized: verifyCertificate });
  return https.request({ ...options, agent });
}

async function collect(response: http.IncomingMessage, maxBodyBytes: number): Promise<ServerAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) throw new ServerTrouble('nonsense', `the answer is larger than ${maxBodyBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof ServerTrouble ? error : troubleOf(error);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

function troubleOf(error: unknown): ServerTrouble {
  return new ServerTrouble(kindOf(systemCodeOf(error) ?? ''), messageOf(error), error);
}

function kindOf(code: string): TroubleKind {
  if (code === 'ETIMEDOUT') return 'silent';
  return code.startsWith('HPE_') ? 'nonsense' : 'unreachable';
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
