/** Every bound and deadline of the full lane in one place. */

export interface FullLaneLimits {
  /** Request head, and answer head of the media server. Over it: 431, or 502. */
  readonly headerBytes: number;
  /** From the first byte of a request head, or from the connection, to its end. Then the connection closes without a word. */
  readonly headTimeoutMs: number;
  /** A connection between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** A request body, or a client that does not take the gateway's own answer, may stand still so long. */
  readonly bodyIdleTimeoutMs: number;
  /** To the media server: TCP, and TLS where it speaks it. */
  readonly connectTimeoutMs: number;
  /** Silence of the media server before its answer; transcodes start after a silent minute. */
  readonly firstByteTimeoutMs: number;
  /** An answer that has begun, or a WebSocket, without a byte in either direction: paused players hold their sockets for long. */
  readonly answerIdleTimeoutMs: number;
  /** From the decision on a WebSocket to the media server's 101. */
  readonly upgradeTimeoutMs: number;
  /** Upgraded sockets are decided again so often; verdicts on credentials are remembered for five minutes. */
  readonly upgradeRecheckMs: number;
  /** After the client has closed its sending side, it may be reading, or gone: so long without progress means gone. */
  readonly halfClosedTimeoutMs: number;
  /** How often an HTTP/2 connection is looked at whether it is there still: one whose client does not read does not say so itself. */
  readonly goneCheckMs: number;
  /** What is still read of a body that was refused, so that the client sees the answer before the connection closes. */
  readonly refusedBodyBytes: number;
  readonly refusedBodyTimeoutMs: number;
  /** Requests that may wait behind another one on one connection. */
  readonly pipelinedRequests: number;
  /** Connections to the media server in use, and idle ones kept. */
  readonly upstreamSockets: number;
  readonly idleUpstreamSockets: number;
  readonly idleUpstreamTimeoutMs: number;
}

export const DEFAULT_LIMITS: FullLaneLimits = {
  headerBytes: 65_536,
  headTimeoutMs: 20_000,
  keepAliveTimeoutMs: 75_000,
  bodyIdleTimeoutMs: 120_000,
  connectTimeoutMs: 10_000,
  firstByteTimeoutMs: 120_000,
  answerIdleTimeoutMs: 3_600_000,
  upgradeTimeoutMs: 30_000,
  upgradeRecheckMs: 60_000,
  halfClosedTimeoutMs: 1_000,
  goneCheckMs: 10_000,
  refusedBodyBytes: 65_536,
  refusedBodyTimeoutMs: 2_000,
  pipelinedRequests: 32,
  upstreamSockets: 4_096,
  idleUpstreamSockets: 32,
  idleUpstreamTimeoutMs: 15_000,
};
