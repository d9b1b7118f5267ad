/** A look at everything without a running gateway and without changing anything: for `check`, `doctor` and `explain`. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGate, type Gate } from '../access/gate.ts';
import type { Config } from '../config/schema.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { StateFolder } from '../lib/state-folder.ts';
import { REACHED_FILE } from '../remote/outside-proof.ts';
import type { ServerSnapshot } from '../server/monitor.ts';
import { wantedListeners } from './entrance.ts';
import { gateOptions } from './gate-options.ts';
import { buildParts, closeReplaced, type Parts } from './parts.ts';
import { SERVER_MOVES_FILE } from './server-moves.ts';
import { type Situation, situationOf } from './situation.ts';

/** What is remembered and decides how things stand; the rest of the state folder is not looked at. */
const REMEMBERED = [
  'server.json',
  SERVER_MOVES_FILE,
  REACHED_FILE,
  'session-key',
  'client-id',
  'certificates/server.pem',
  'ca/root.pem',
  'ca/leaf.pem',
];

const REMOVAL_RETRIES = 5;

export interface Survey {
  readonly parts: Parts;
  readonly gate: Gate;
  /** A copy of the state folder that is thrown away. */
  readonly state: StateFolder;
}

/** Builds the parts on a copy of the state folder, gives them to `use`, and leaves nothing behind. */
export async function withSurvey<T>(
  options: {
    readonly config: Config;
    readonly stateDir: string;
    readonly assumeClaimed?: boolean;
    readonly openwrtLanNetworks?: string | undefined;
  },
  use: (survey: Survey) => Promise<T>,
): Promise<T> {
  const state = await copyOf(options.stateDir);
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
    // A question to the account service may still be under way, and keep its identifier at the end.
    await rm(state.path, { recursive: true, force: true, maxRetries: REMOVAL_RETRIES });
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

async function copyOf(stateDir: string): Promise<StateFolder> {
  const copy = await scratchFolder(stateDir);
  for (const name of REMEMBERED) {
    await mkdir(join(copy, name, '..'), { recursive: true, mode: 0o700 });
    // What this user may not read is as good as not there.
    await copyFile(join(stateDir, name), join(copy, name)).catch(() => {});
  }
  return new StateFolder(copy);
}

/** Read-only containers may have no folder for temporary files: there the state folder has room. */
async function scratchFolder(stateDir: string): Promise<string> {
  const folder = (parent: string) => mkdtemp(join(parent, 'lockgate-survey-'));
  try {
    return await folder(tmpdir()).catch(() => folder(stateDir));
  } catch (cause) {
    throw new GatewayError('state', `no folder for temporary files can be written: ${messageOf(cause)}`, {
      hint: 'set TMPDIR to one that this user may write to',
      cause,
    });
  }
}
