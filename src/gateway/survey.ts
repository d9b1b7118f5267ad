/** A look at everything without a running gateway and without changing anything: for `check`, `doctor` and `explain`. */
import { createGate, type Gate } from '../access/gate.ts';
import type { Config } from '../config/schema.ts';
import { silentLog } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { UnwrittenState } from '../lib/unwritten-state.ts';
import type { ServerSnapshot } from '../server/monitor.ts';
import { wantedListeners } from './entrance.ts';
import { gateOptions } from './gate-options.ts';
import { buildParts, closeReplaced, type Parts } from './parts.ts';
import { type Situation, situationOf } from './situation.ts';

export interface Survey {
  readonly parts: Parts;
  readonly gate: Gate;
  /** What is remembered; nothing is written to it. */
  readonly state: StateFolder;
}

/** Builds the parts on what is remembered, gives them to `use`, and leaves nothing behind. */
export async function withSurvey<T>(
  options: {
    readonly config: Config;
    readonly stateDir: string;
    readonly assumeClaimed?: boolean;
    readonly openwrtLanNetworks?: string | undefined;
  },
  use: (survey: Survey) => Promise<T>,
): Promise<T> {
  const state = new UnwrittenState(options.stateDir);
  const { config, openwrtLanNetworks } = options;
  let parts: Parts | undefined;
  let gate: Gate | undefined;
  try {
    const built = await buildParts({ config, state, log: silentLog, openwrtLanNetworks, mayMakeAuthority: false });
    parts = built;
    const given = gateOptions({ parts: () => built, state, log: silentLog, listeners: () => wantedListeners(config) });
    const snapshot = assumedClaimed(built.link.monitor.snapshot);
    const server =
      options.assumeClaimed === true
        ? { ...given.server, view: () => snapshot, waitUntilKnown: async () => {} }
        : given.server;
    gate = await createGate({ ...given, server });
    return await use({ parts: built, gate, state });
  } finally {
    await gate?.close();
    if (parts !== undefined) await closeReplaced(parts, undefined);
  }
}

/** The situation after one look at the server. `listeners`: those of the running gateway, if there is one. */
export async function surveySituation(
  { parts, gate }: Survey,
  listeners: readonly string[] | undefined,
): Promise<Situation> {
  const { link, site, certificates, zones } = parts;
  const { state } = await link.monitor.probe();
  const looks = [zones.look(), site.refresh(), link.moves.search()];
  if (state === 'claimed') looks.push(gate.testServer());
  await Promise.all(looks);
  await certificates.reload();
  return situationOf(parts, gate, listeners);
}

function assumedClaimed(snapshot: ServerSnapshot): ServerSnapshot {
  return { ...snapshot, state: 'claimed', unknownBecause: undefined, detail: undefined };
}
