/** The one error type of the gateway, its catalogue of codes, and the exit status each code means. */

/**
 * Every code a user can meet. The number is the exit status of the command that ends because of it:
 * 1 the answer is no, 2 wrong usage, 3 cannot start, 70 a defect.
 */
export const ERROR_EXIT_STATUS = {
  config: 1,
  certificate: 1,
  server: 1,
  'not-running': 1,
  refused: 1,
  usage: 2,
  bind: 3,
  permission: 3,
  state: 3,
  defect: 70,
} as const;

export type ErrorCode = keyof typeof ERROR_EXIT_STATUS;

/**
 * An error that a person reads. `message` is one lower-case sentence, subject first, offending value quoted;
 * `hint` says what to do about it, and is shown in parentheses behind the message.
 */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.hint = options.hint;
  }

  /** The sentence for a terminal: message, then the remedy. */
  get sentence(): string {
    return this.hint === undefined ? this.message : `${this.message} (${this.hint})`;
  }

  get exitStatus(): number {
    return ERROR_EXIT_STATUS[this.code];
  }
}

/** The message of anything that was thrown, `Error` or not. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`EADDRINUSE`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
