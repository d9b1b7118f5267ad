/** Sign-ins at the media server itself: each counts as a failure until the server has judged it, so that many at once do not slip through. */
import { randomBytes } from 'node:crypto';
import type { RequestHead } from '../http/request.ts';
import type { Throttle } from './throttle.ts';

/** What is tried is in the body, which is not read: every attempt is another one. */
const NONCE_BYTES = 16;

export class SignInAttempts {
  readonly #throttle: Throttle;
  readonly #refunds = new WeakMap<RequestHead, () => void>();

  constructor(throttle: Throttle) {
    this.#throttle = throttle;
  }

  /** The attempt is about to be forwarded. Charges it once, however often its request is decided on. */
  charge(head: RequestHead, client: string): void {
    if (this.#refunds.has(head)) return;
    const guess = randomBytes(NONCE_BYTES).toString('base64url');
    this.#throttle.charge(client, guess);
    this.#refunds.set(head, () => this.#throttle.refund(client, guess));
  }

  /** The server has answered. A request that was no attempt does nothing. */
  settle(head: RequestHead, isFailed: boolean): void {
    if (!isFailed) this.#refunds.get(head)?.();
    this.#refunds.delete(head);
  }
}
