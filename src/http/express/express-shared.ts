/** What all connections of the express lane share. Types only. */
import type { FullLaneOptions } from '../lane.ts';
import type { FullLaneLimits } from '../limits.ts';
import type { RequestHead } from '../request.ts';
import type { ExpressConnection } from './express-connection.ts';
import type { UpstreamPool } from './upstream-pool.ts';

export interface ExpressShared {
  readonly options: FullLaneOptions;
  readonly limits: FullLaneLimits;
  readonly pool: UpstreamPool;
  /** Connection and Keep-Alive for a client whose connection stays open. */
  readonly keepAliveLines: string;
  /** Counts the changes after which decisions are made again. */
  readonly generation: number;
  readonly isDraining: boolean;
  /** When deadlines are looked at next, in whole monotonic milliseconds: what the time is counted from, so that nothing is early. */
  readonly nextSweepMs: number;
  /** Gives a connection to the full lane, for good. `unread`: what was read of it and not acted on. */
  handOver(connection: ExpressConnection, unread: Buffer | undefined): void;
  /** An answer or a connection has ended. */
  becameIdle(): void;
  logDefect(error: unknown, head: RequestHead): void;
}
