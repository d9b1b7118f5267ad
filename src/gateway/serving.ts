/** Who serves the connections that come in: this process, or workers beside it. */
import type { Gate } from '../access/gate.ts';
import type { Config } from '../config/schema.ts';
import { createExpressLane } from '../http/express/express-lane.ts';
import { createFullLane, type FullLaneOptions, type Lanes } from '../http/full-lane.ts';
import type { Log } from '../lib/log.ts';
import type { RequestCounters } from '../ops/metrics.ts';
import type { TicketKeys } from '../tls/ticket-keys.ts';
import type { CurrentCertificates } from './current-certificates.ts';
import type { Parts } from './parts.ts';
import { LocalReception, type Reception } from './reception.ts';
import { receptionSettings } from './settings.ts';
import type { Workers } from './workers/workers.ts';

export interface ServingOptions {
  readonly config: Config;
  readonly parts: () => Parts;
  readonly gate: Gate;
  /** What the lanes are given, wherever they are. */
  readonly lane: FullLaneOptions;
  readonly counters: RequestCounters;
  readonly certificates: CurrentCertificates;
  readonly ticketKeys: TicketKeys;
  readonly sessionKey: Buffer;
  readonly log: Log;
}

export interface Serving {
  readonly lanes: Lanes;
  readonly reception: Reception;
  /** Undefined: everything is in this process. */
  readonly workers: Workers | undefined;
}

/** Nothing is served before connections are given to the reception; workers are to be started first. */
export async function makeServing(options: ServingOptions): Promise<Serving> {
  return options.config.run.workers === 1 ? serveHere(options) : serveByWorkers(options);
}

function serveHere({ parts, lane, certificates, ticketKeys, log }: ServingOptions): Serving {
  const isOn = () => parts().config.listen.express;
  const lanes = createExpressLane({ ...lane, isOn, fullLane: createFullLane(lane) });
  const settings = () => receptionSettings(parts());
  const challengeFor = (name: string) => parts().acme?.challenges.contextFor(name);
  const tls = { certificates, ticketKeys, challengeFor };
  const reception = new LocalReception({ ...tls, lane: lanes, log, settings });
  return { lanes, reception, workers: undefined };
}

async function serveByWorkers(options: ServingOptions): Promise<Serving> {
  const { Workers } = await import('./workers/workers.ts');
  const { workerFacts, writeFacts } = await import('./workers/worker-facts.ts');
  const { config, parts, gate, lane, counters, certificates, ticketKeys, sessionKey, log } = options;
  const { workers: count } = config.run;
  const workers = new Workers({
    count,
    office: {
      lane,
      validForMs: (head) => gate.validForMs(head),
      noteValidFrom: (address) => gate.noteValidFrom(address),
      noteWait: (waitedMs) => counters.observeUpstream(waitedMs),
      log,
    },
    facts: () => writeFacts(workerFacts(parts(), { workers: count, ticketKeys: ticketKeys.current, sessionKey })),
  });
  certificates.onChange(() => workers.tell());
  ticketKeys.onChange(() => workers.tell());
  return { lanes: workers, reception: workers, workers };
}
