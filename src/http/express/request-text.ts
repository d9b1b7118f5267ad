/** The request as it goes to the media server: the very bytes that the full lane would send. */
import { type Client, forwardingFields } from '../forwarding-headers.ts';
import { headerObject, requestFields } from '../headers.ts';
import type { Peer, RequestHead } from '../request.ts';

const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
const TARGET = /^[\x21-\x7e]+$/;

/** The line that asks for `target`; undefined when it cannot be sent. */
export function requestLine(head: RequestHead, target: string): string | undefined {
  if (target !== head.target && !TARGET.test(target)) return undefined;
  return `${head.method} ${target} HTTP/1.1\r\n`;
}

/** The field lines for the server, the empty line included; undefined when they cannot be sent. */
export function fieldLines(
  head: RequestHead,
  rawHeaders: readonly string[],
  who: { readonly client: Client; readonly peer: Peer },
): string | undefined {
  const fields = requestFields(head, rawHeaders, forwardingFields(head, who.client, who.peer));
  let lines = '';
  for (const [name, found] of Object.entries(headerObject(fields))) {
    const values = [found].flat().map(String);
    if (!values.every((value) => FIELD_VALUE.test(value))) return undefined;
    // Cookie has one line, whatever comes (RFC 6265 section 5.4).
    const isCookie = name.toLowerCase() === 'cookie';
    for (const value of isCookie ? [values.join('; ')] : values) lines += `${name}: ${value}\r\n`;
  }
  return inOnePiece(`${lines}Connection: keep-alive\r\n\r\n`);
}

/** The engine keeps text that was put together as its pieces, and would join them again for each request. */
function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
