/** Why the media server gave no answer to a request. */
import { messageOf } from '../lib/errors.ts';

/** `down` (502), `silent` (504), or `unsendable`: Node refuses to write the request (400). */
export interface ForwardFailure {
  readonly kind: 'down' | 'silent' | 'unsendable';
  readonly error: Error;
}

/** Anything that was thrown, as an Error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
