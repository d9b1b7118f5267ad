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
  for (const [name, values] of Object.entries(headerObject(fields))) {
    for (const value of [values].flat()) {
      if (typeof value !== 'string' || !FIELD_VALUE.test(value)) return undefined;
      lines += `${name}: ${value}\r\n`;
    }
  }
  return `${lines}Connection: keep-alive\r\n\r\n`;
}
