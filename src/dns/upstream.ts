/** What the forwarder asks: one interface for plain, TLS and HTTPS upstreams, and the one error that they fail with. */

/** Why an upstream gave no answer. `spoofed`: answers came that nobody asked for. */
export type UpstreamFailure = 'timeout' | 'network' | 'garbage' | 'spoofed' | 'closed';

export class UpstreamError extends Error {
  readonly failure: UpstreamFailure;

  constructor(failure: UpstreamFailure, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'UpstreamError';
    this.failure = failure;
  }
}

export interface Upstream {
  /** As written in the configuration. */
  readonly name: string;
  /**
   * Asks with `query`, whose id is replaced on the way, and resolves with an answer that matches it, never truncated.
   * Rejects with `UpstreamError` after `timeoutMs` at the latest.
   */
  ask(query: Buffer, timeoutMs: number): Promise<Buffer>;
  /** Ends what is under way; pending questions reject. */
  close(): void;
}
