/** What the proxy lanes are given: the policy's decisions, the way to the server, the pages, and whom to tell what happened. */
import type { Page } from '../access/decision.ts';
import type { Gate } from '../access/gate.ts';
import type { Config } from '../config/schema.ts';
import type { FullLaneOptions, RequestRecord } from '../http/full-lane.ts';
import type { RequestHead } from '../http/request.ts';
import type { Log } from '../lib/log.ts';
import type { RequestCounters } from '../ops/metrics.ts';
import type { ServerMonitor } from '../server/monitor.ts';
import { viewClient } from './gate-options.ts';
import type { GatewayPages } from './pages.ts';
import type { Parts } from './parts.ts';
import { prepareRequest } from './prepare-request.ts';
import { StreamLimit } from './stream-limit.ts';

export interface LaneSurroundings {
  readonly parts: () => Parts;
  readonly gate: Gate;
  readonly pages: GatewayPages;
  readonly counters: RequestCounters;
  readonly log: Log;
  /** A client of this address was served; undefined: nobody said who it is. */
  readonly noteClient: (address: string | undefined) => void;
}

export function laneOptions({ parts, gate, pages, counters, log, noteClient }: LaneSurroundings): FullLaneOptions {
  const streamLimit = new StreamLimit(() => {
    const { config, trustedProxies } = parts();
    return { streamsPerClient: config.limits.connections_per_client, trustedProxies };
  });
  const snapshot = () => parts().link.monitor.snapshot;
  return {
    decide: (head, peer) => (isChallenge(head, parts().acme) ? CHALLENGE_PAGE : gate.decide(head, peer)),
    upstream: () => parts().link.upstream(),
    prepare: (head, decision) => {
      const { kind } = snapshot();
      return prepareRequest(head, decision, kind, dropsAppHeaders(parts().config, kind.name));
    },
    clientOf: (head, peer) => {
      const { address, isTls } = viewClient(head, peer, parts());
      return { address, tls: isTls };
    },
    page: (ask) => pages.answer(ask),
    identity: (head) => {
      const { kind, identity } = snapshot();
      return identity === undefined ? undefined : kind.renderIdentity(identity, head.header('accept'));
    },
    corsOrigin: (head, peer) => gate.corsOrigin(head, peer),
    refuseStream: (stream, peer) => streamLimit.refuse(stream, peer),
    unauthorizedHeaders: () => snapshot().kind.unauthorizedHeaders,
    onFinished: (record) => {
      counters.count(record);
      noteClient(record.client);
      writeAccessLine(record, parts().config.log.access, log);
    },
    onUpstreamAnswer: ({ head, status, peer, waitedMs }) => {
      counters.observeUpstream(waitedMs);
      gate.noteAnswer(head, peer, status);
      lookForEvidence(head, parts().link.monitor);
    },
    onUpstreamFailure: (error) => noteFailure(error, parts().link.monitor),
  };
}

/** A certificate authority comes from anywhere, without credentials, for what the gateway itself has just made. */
const CHALLENGE_PAGE: Page = { action: 'page', rule: 'gateway-page', page: 'acme-challenge', scope: 'none' };

function isChallenge({ method, path }: RequestHead, acme: Parts['acme']): boolean {
  return acme?.challenges.answerTo(path) !== undefined && (method === 'GET' || method === 'HEAD');
}

/** Whether requests for bare streams go without the headers of the app (`bare_streams`). */
export function dropsAppHeaders({ server }: Config, kind: string): boolean {
  return server.bare_streams === 'auto' ? kind === 'plex' : server.bare_streams;
}

/** What an answer may show of the server's claimed state, a probe finds out at once, instead of at its next turn. */
function lookForEvidence({ method, path }: RequestHead, monitor: ServerMonitor): void {
  const { kind } = monitor.snapshot;
  if (kind.mayChangeClaim(method, path)) monitor.noteClaimAction();
  else if (kind.isIdentity(path)) void monitor.probe();
}

/** No connection: the server is away, and the gate closes at once. Anything else is a reason to look. */
function noteFailure(error: Error, monitor: ServerMonitor): void {
  if (isConnectFailure(error)) monitor.noteConnectFailure();
  else void monitor.probe();
}

/** The media server could not even be reached. */
export function isConnectFailure(error: Error): boolean {
  return 'syscall' in error && error.syscall === 'connect';
}

/** One line for a request, as `[log] access` wants it. Paths come without their queries. */
function writeAccessLine(record: RequestRecord, wanted: Config['log']['access'], log: Log): void {
  const isRefusal = record.reason !== undefined;
  if (wanted === 'none' || (wanted === 'refused' && !isRefusal)) return;
  const { client, method, path, status, rule, reason, bytesSent, durationMs, aborted } = record;
  const fields = { client, method, path, status, rule };
  if (isRefusal) log.info({ ...fields, reason }, 'refused');
  else log.info({ ...fields, bytes: bytesSent, ms: Math.round(durationMs), ...(aborted ? { aborted } : {}) }, 'served');
}
