/** Signing in with the household's PIN: throttled, hashed, answered with a session. */
import { PinVerifier } from './pin.ts';
import type { Sessions } from './session.ts';
import type { Throttle } from './throttle.ts';

const BUSY_SECONDS = 5;

export type SignInOutcome =
  | { readonly outcome: 'signed-in' /** A Set-Cookie value. */; readonly setCookie: string }
  | { readonly outcome: 'wrong-pin' }
  | { readonly outcome: 'throttled'; readonly waitSeconds: number }
  /** There is no `pin_hash`. */
  | { readonly outcome: 'not-set-up' };

export class PinSignIn {
  readonly #verifier: PinVerifier | undefined;
  readonly #sessions: Sessions;
  readonly #throttle: Throttle;

  /** Throws `config` when `pinHash` is not what `lockgate hash-pin` prints. */
  constructor(pinHash: string | undefined, sessions: Sessions, throttle: Throttle) {
    this.#verifier = pinHash === undefined ? undefined : new PinVerifier(pinHash);
    this.#sessions = sessions;
    this.#throttle = throttle;
  }

  /** One post of the sign-in form. */
  async signIn(pin: string, client: { readonly key: string; readonly isTls: boolean }): Promise<SignInOutcome> {
    if (this.#verifier === undefined) return { outcome: 'not-set-up' };
    const waitSeconds = this.#throttle.guessWaitSeconds(client.key);
    if (waitSeconds > 0) return { outcome: 'throttled', waitSeconds };
    const refund = this.#throttle.chargeGuess(client.key, `pin ${pin}`);
    const answer = await this.#verifier.verify(pin);
    if (answer === false) return { outcome: 'wrong-pin' };
    refund();
    if (answer === 'busy') return { outcome: 'throttled', waitSeconds: BUSY_SECONDS };
    return { outcome: 'signed-in', setCookie: this.#sessions.open(client.isTls) };
  }
}
