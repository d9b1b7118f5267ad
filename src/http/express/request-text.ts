/** The request as it goes to the media server: the very bytes that the full lane would send. */
import { type Client, forwardingFields } from '../forwarding-headers.ts';
import { headerObject, requestFields } from '../headers.ts';
import type { Peer, RequestHead } from '../request.ts';

/** Printable characters only: a credential of the operator's that is none cannot be sent. */
const SENDABLE = /^(?:[\t\x20-\x7e]*\r\n)+$/;

/** The field lines for the server, with the empty line; undefined when they cannot be sent. */
export function fieldLines(
  head: RequestHead,
  rawHeaders: readonly string[],
  who: { readonly client: Client; readonly peer: Peer },
): string | undefined {
  const fields = requestFields(head, rawHeaders, forwardingFields(head, who.client, who.peer));
  let lines = '';
  for (const [name, values] of Object.entries(headerObject(fields))) {
    for (const value of [values].flat()) lines += `${name}: ${value}\r\n`;
  }
  lines += 'Connection: keep-alive\r\n\r\n';
  return SENDABLE.test(lines) ? lines : undefined;
}
