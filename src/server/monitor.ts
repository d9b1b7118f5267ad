/** Watches the media server: who it is, where it is, and whether it is claimed. Fails closed. */
import { EventEmitter } from 'node:events';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { createAsk } from './ask.ts';
import type { AskServer, ServerIdentity, ServerKind } from './kind.ts';
import { KINDS } from './kinds.ts';
import { type LocatorOptions, locateServer } from './locate.ts';
import { type ServerMemory, ServerMemoryFile } from './server-memory.ts';
import {
  type FoundServer,
  type Observation,
  type ServerStanding,
  standingAfter,
  type UnknownBecause,
} from './server-state.ts';

/** The longest wait between two probes; a change and a silence start again at the shortest. */
const MAX_INTERVAL_MS = 10_000;
const MIN_INTERVAL_MS = 1000;
/** So many silent probes in a row, and the server counts as down. */
const MAX_SILENT_PROBES = 3;
/** Of servers that were found together. */
const MAX_CHOICES = 16;
/** Why the state is not known, as the log has it. */
const UNKNOWN: Readonly<Record<UnknownBecause, string>> = {
  starting: 'media server is not found yet',
  down: 'media server is away',
  'other-server': 'media server is another one than expected',
};
/** How long a request waits for the state to become known. */
const WAIT_UNTIL_KNOWN_MS = 2000;

export interface MonitorOptions extends Pick<LocatorOptions, 'kind' | 'url' | 'discover' | 'provesItself'> {
  /** Pinned id; undefined: the first server found is remembered. */
  readonly id: string | undefined;
  /** See `choices`: what a monitor before this one knew. Default: none. */
  readonly choices?: readonly FoundServer[];
  readonly state: StateFolder;
  readonly log: Log;
}

/** Everything known about the server at one moment. */
export interface ServerSnapshot extends ServerStanding {
  /** Configured, recognized or remembered; plex while nobody knows. */
  readonly kind: ServerKind;
  /** Where requests go; undefined: not known yet. */
  readonly url: string | undefined;
  /** From the last probe that brought one, of the expected server only. */
  readonly identity: ServerIdentity | undefined;
  /** Candidates that were found and are not used: several, or one that moved. */
  readonly candidates: readonly FoundServer[];
}

/** Emits `change` with the new and the former snapshot. */
export class ServerMonitor extends EventEmitter<{ change: [ServerSnapshot, ServerSnapshot] }> {
  readonly #options: MonitorOptions;
  readonly #memoryFile: ServerMemoryFile;
  #memory: ServerMemory | undefined;
  readonly #choices = new Map<string, FoundServer>();
  #snapshot: ServerSnapshot;
  #probing: Promise<ServerSnapshot> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #quietProbes = 0;
  #silentProbes = 0;
  #wasSeen = false;
  /** Goes up with every piece of evidence: a probe that began before it proves nothing. */
  #evidence = 0;
  #isClosed = false;
  #remembering: Promise<void> | undefined;

  constructor(options: MonitorOptions) {
    super();
    this.#options = options;
    this.#memoryFile = new ServerMemoryFile(options.state, options.log);
    this.#offer(options.choices ?? []);
    this.#snapshot = {
      state: 'unknown',
      unknownBecause: 'starting',
      detail: 'the media server was not asked yet',
      kind: options.kind ?? KINDS.plex,
      url: options.url,
      identity: undefined,
      candidates: [],
    };
  }

  /** Reads the memory and begins to probe; does not wait for the server. */
  async start(): Promise<void> {
    await this.#memoryRead();
    void this.probe();
  }

  /** Asks no more; resolves when what is to be remembered is written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#memoryFile.settled();
  }

  get snapshot(): ServerSnapshot {
    return this.#snapshot;
  }

  /** Asks the server where it is now; undefined while that is not known. */
  get ask(): AskServer | undefined {
    const { url } = this.#snapshot;
    return url === undefined ? undefined : createAsk({ baseUrl: url, verifyCertificate: false });
  }

  /** Looks at the server now (single flight). Never rejects. */
  probe(): Promise<ServerSnapshot> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
      this.#schedule();
    });
    return this.#probing;
  }

  /** The snapshot as soon as the state is known, after 2 s at the latest. */
  async waitUntilKnown(): Promise<ServerSnapshot> {
    if (this.#snapshot.state !== 'unknown') return this.#snapshot;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, WAIT_UNTIL_KNOWN_MS);
    });
    await Promise.race([this.#lookNow(), patience]);
    clearTimeout(timer);
    return this.#snapshot;
  }

  /** A probe that is under way may have asked before the server was there: then another one counts. */
  async #lookNow(): Promise<void> {
    const underWay = this.#probing;
    const { state } = await this.probe();
    if (state === 'unknown' && underWay !== undefined) await this.probe();
  }

  /** Whether the server says at this very moment that it is claimed: an answer that is under way does not count, and silence is no. */
  async confirmClaimed(): Promise<boolean> {
    this.#evidence++;
    const { state } = await this.probe();
    return state === 'claimed' && this.#silentProbes === 0;
  }

  /** A connection to the server was refused or reset: closes at once, and looks again. */
  noteConnectFailure(): void {
    if (this.#snapshot.state !== 'unknown') {
      this.#evidence++;
      this.#conclude({ seen: 'nothing', isFinal: true, detail: 'a connection to the server failed' });
    }
    void this.probe();
  }

  /** An answer of the identity endpoint passed by. It can only close: to open takes a probe. */
  noteIdentityAnswer(body: Buffer): void {
    const { kind, url, state } = this.#snapshot;
    const identity = kind.readIdentity(body);
    if (identity === undefined || url === undefined || state !== 'claimed') return;
    if (identity.claimed !== false && identity.id === this.expectedId) return;
    this.#evidence++;
    this.#conclude({ seen: 'server', kind, url, identity });
    void this.probe();
  }

  /** A request went through that may have changed the claimed state: looks at once. */
  noteClaimAction(): void {
    this.#evidence++;
    void this.probe();
  }

  /** Forgets the remembered server; the next one found is taken. */
  async forget(): Promise<void> {
    await this.#memoryFile.forget();
    this.#memory = undefined;
    this.#wasSeen = false;
    this.#evidence++;
    const { kind = KINDS.plex, url } = this.#options;
    const detail = 'the remembered server was forgotten';
    this.#become({
      state: 'unknown',
      unknownBecause: 'starting',
      detail,
      kind,
      url,
      identity: undefined,
      candidates: [],
    });
    await this.probe();
  }

  /** Before the memory is read no probe counts: a request that comes first must not choose the server. */
  #memoryRead(): Promise<void> {
    this.#remembering ??= this.#remember();
    return this.#remembering;
  }

  async #remember(): Promise<void> {
    const memory = await this.#memoryFile.read();
    if (memory === undefined || this.#options.kind?.hasIdentity === false) return;
    if (this.#options.id !== undefined && this.#options.id !== memory.id) return;
    this.#memory = memory;
    const { kind = KINDS[memory.kind], url = memory.url } = this.#options;
    this.#snapshot = { ...this.#snapshot, kind, url };
  }

  /** What closes counts at once; what opens must have been seen after the last piece of evidence. */
  async #probe(): Promise<ServerSnapshot> {
    const isMemoryRead = await this.#memoryRead().then(
      () => true,
      () => false, // `start` says why
    );
    while (isMemoryRead && !this.#isClosed) {
      const evidence = this.#evidence;
      const observation = await this.#locate();
      if (this.#isClosed) break;
      if (evidence !== this.#evidence && this.#standing(observation).state === 'claimed') continue;
      this.#conclude(observation);
      break;
    }
    return this.#snapshot;
  }

  async #locate(): Promise<Observation> {
    const { kind, url, discover, provesItself } = this.#options;
    const expectedId = this.expectedId;
    const searchesWhenSilent = this.#snapshot.state === 'unknown';
    const memory = this.#memory;
    return this.#unlessUnchosen(
      await locateServer({ kind, url, expectedId, memory, searchesWhenSilent, discover, provesItself }),
    );
  }

  /** One that is left of several was chosen by nobody: the one that is meant may be the one that is away. */
  #unlessUnchosen(observation: Observation): Observation {
    const isChosen = this.expectedId !== undefined || this.#options.url !== undefined;
    if (isChosen || observation.seen === 'nothing') return observation;
    if (observation.seen === 'server' && this.#choices.size === 0) return observation;
    this.#offer(observation.seen === 'several' ? observation.found : [observation]);
    return { seen: 'several', found: this.choices };
  }

  #offer(servers: readonly FoundServer[]): void {
    for (const found of servers) {
      if (this.#choices.size < MAX_CHOICES) this.#choices.set(`${found.kind.name} ${found.identity.id}`, found);
    }
  }

  /** The servers of which several were found while none was chosen. */
  get choices(): readonly FoundServer[] {
    return [...this.#choices.values()];
  }

  /** The id of the one server that is meant: configured or remembered; undefined: the first one found will do. */
  get expectedId(): string | undefined {
    return this.#options.id ?? this.#memory?.id;
  }

  #standing(observation: Observation): ServerStanding {
    const isRemembered = observation.seen === 'server' && observation.identity.id === this.#memory?.id;
    const wasClaimed = isRemembered && this.#memory?.claimed === true;
    return standingAfter(observation, { id: this.expectedId, wasClaimed, wasSeen: this.#wasSeen });
  }

  #conclude(observation: Observation): void {
    if (this.#isTolerable(observation)) return;
    const standing = this.#standing(observation);
    const candidates = candidatesOf(observation);
    if (observation.seen !== 'server' || standing.unknownBecause === 'other-server') {
      this.#become({ ...this.#snapshot, ...standing, candidates });
      return;
    }
    const { kind, url, identity } = observation;
    this.#wasSeen = true;
    this.#keepInMind({ kind: kind.name, url, id: identity.id, claimed: identity.claimed === true });
    this.#become({ ...standing, kind, url, identity, candidates });
  }

  /** A known server may be silent twice. */
  #isTolerable(observation: Observation): boolean {
    const isSilent = observation.seen === 'nothing' && !observation.isFinal;
    this.#silentProbes = isSilent ? this.#silentProbes + 1 : 0;
    if (!isSilent || this.#snapshot.state === 'unknown') return false;
    this.#quietProbes = 0;
    return this.#silentProbes < MAX_SILENT_PROBES;
  }

  #become(next: ServerSnapshot): void {
    const former = this.#snapshot;
    this.#snapshot = next;
    const isSame = isSameServer(next, former);
    this.#quietProbes = isSame ? this.#quietProbes + 1 : 0;
    if (!isSame || next.detail !== former.detail) this.#say(next);
    if (!isSame) this.emit('change', next, former);
  }

  #say({ state, unknownBecause, detail, url, identity, kind }: ServerSnapshot): void {
    const { log } = this.#options;
    const fields = { state, reason: unknownBecause, detail, kind: kind.name, url, id: identity?.id };
    if (!kind.hasIdentity) log.info(fields, 'media server is taken as it is: its kind has no owner to ask for');
    else if (state === 'claimed') log.info(fields, 'media server is claimed');
    else log.warn(fields, unknownBecause === undefined ? `media server is ${state}` : UNKNOWN[unknownBecause]);
  }

  /** Once claimed is always remembered as claimed. */
  #keepInMind(seen: ServerMemory): void {
    if (this.#options.kind?.hasIdentity === false) return;
    const memory = this.#memory;
    const next = { ...seen, claimed: seen.claimed || (memory?.id === seen.id && memory.claimed) };
    if (JSON.stringify(next) === JSON.stringify(memory)) return;
    this.#memory = next;
    void this.#memoryFile.save(next);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const delayMs = Math.min(MAX_INTERVAL_MS, MIN_INTERVAL_MS * 2 ** Math.min(this.#quietProbes, 10));
    this.#timer = setTimeout(() => void this.probe(), delayMs).unref();
  }
}

function candidatesOf(observation: Observation): readonly FoundServer[] {
  if (observation.seen === 'several') return observation.found;
  return observation.seen === 'moved' ? [observation] : [];
}

function isSameServer(a: ServerSnapshot, b: ServerSnapshot): boolean {
  const facts = ({ state, unknownBecause, kind, url, identity }: ServerSnapshot) =>
    JSON.stringify([state, unknownBecause, kind.name, url, identity]);
  return facts(a) === facts(b);
}
