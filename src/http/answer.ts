/** Passes an answer of the media server on to the client, byte for byte and as it comes. */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientAnswer } from './client-message.ts';
import { answerFields, trailerPairs } from './headers.ts';

/** What HTTP allows in a reason phrase (RFC 9112 section 4); Node throws on anything else. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Says why an answer cannot be passed on as one message, or undefined. */
export function answerFault(answer: IncomingMessage): string | undefined {
  const { statusCode = 0, httpVersion } = answer;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return `the answer has the HTTP version ${httpVersion}`;
  if (statusCode < 200 || statusCode > 999) return `the answer has the status ${statusCode}`;
  const encoding = answer.headers['transfer-encoding'];
  if (encoding === undefined) return undefined;
  if (encoding.toLowerCase() !== 'chunked') return 'the answer has a Transfer-Encoding other than "chunked"';
  return httpVersion === '1.1' ? undefined : 'an HTTP/1.0 answer has a Transfer-Encoding';
}

/** False when only the end of the connection ends the body. */
export function isFramed(answer: IncomingMessage): boolean {
  return answer.headers['content-length'] !== undefined || answer.headers['transfer-encoding'] !== undefined;
}

/**
 * Writes the head and copies the body with backpressure. `onEnd` finishes the response: the last byte of the body was written, its
 * end was not. When the answer breaks off, the client's connection does too, and `onBroken` says so: a clean end would make a
 * player mark the film as watched. The caller destroys `answer` when the client leaves, and when the request to the server fails.
 * Throws, with nothing written, on a head that Node refuses to write.
 */
export function relayAnswer(
  answer: IncomingMessage,
  response: ClientAnswer,
  events: { onEnd(): void; onBroken(error: Error): void },
): void {
  response.sendDate = false;
  response.writeHead(
    answer.statusCode ?? 502,
    reasonPhrase(answer),
    answerFields(answer, isRechunked(answer, response)),
  );
  const bodyEndsWithConnection = !response.chunkedEncoding && answer.headers['content-length'] === undefined;
  process.nextTick(sendWaitingHead, answer, response);
  answer.once('end', () => {
    if (response.chunkedEncoding && answer.rawTrailers.length > 0) response.addTrailers(trailerPairs(answer));
    events.onEnd();
  });
  answer.once('error', (error) => {
    breakOff(response, bodyEndsWithConnection);
    events.onBroken(error);
  });
  answer.pipe(response, { end: false });
}

/** Sends the head alone when no body byte came with it: event streams and transcodes begin with silence. */
function sendWaitingHead(answer: IncomingMessage, response: ClientAnswer): void {
  if (answer.readableLength === 0 && !answer.complete && !response.destroyed) response.flushHeaders();
}

function reasonPhrase(answer: IncomingMessage): string {
  const phrase = answer.statusMessage ?? '';
  return REASON_PHRASE.test(phrase) ? phrase : '';
}

/** Node refuses a `Trailer` field on a message that it does not send in chunks. */
function isRechunked(answer: IncomingMessage, response: ClientAnswer): boolean {
  const hasBody = response.req.method !== 'HEAD' && answer.statusCode !== 204 && answer.statusCode !== 304;
  return hasBody && response.req.httpVersion === '1.1' && answer.headers['content-length'] === undefined;
}

/** Ends the connection so that no client takes it for the end of the body. Where that is what ends the body, it takes a reset. */
function breakOff(response: ClientAnswer, bodyEndsWithConnection: boolean): void {
  const tcp = response.socket === null ? undefined : tcpSocketOf(response.socket);
  if (bodyEndsWithConnection && tcp !== undefined) tcp.resetAndDestroy();
  else response.destroy();
}

/** Clients shrug off a missing close_notify, so that TLS needs the reset below it. Node has no public way down to it. */
function tcpSocketOf(socket: Socket): Socket | undefined {
  if (!(socket instanceof TLSSocket)) return socket;
  return '_parent' in socket && socket._parent instanceof Socket ? socket._parent : undefined;
}
