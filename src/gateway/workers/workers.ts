/** All workers together: connections go to the one that has the fewest, facts go to all, and one that ends is replaced. */
import type { FullLaneCounters, Lanes, OpenConnection } from '../../http/full-lane.ts';
import { GatewayError } from '../../lib/errors.ts';
import { VERSION } from '../../lib/version.ts';
import type { TlsCounters } from '../../tls/terminator.ts';
import type { Arrival, Reception } from '../reception.ts';
import type { WorkerReport } from './messages.ts';
import { type MainOffice, WorkerProcess } from './worker-process.ts';

const START_TIMEOUT_MS = 20_000;
const WATCH_INTERVAL_MS = 2_000;
/** A worker that says nothing for so long hangs: what it serves is lost anyway. */
const HANG_MS = 15_000;
/** How long somebody who wants to know how things stand waits for it. */
const REFRESH_TIMEOUT_MS = 1_500;
/** What changes without a word is told so late at most. */
const FACTS_INTERVAL_MS = 1_000;
const FIRST_RESTART_DELAY_MS = 100;
const MAX_RESTART_DELAY_MS = 30_000;
/** One that lived so long did not end because of how it began. */
const PROVEN_MS = 60_000;
/** How long a connection waits while there is no worker. */
const MAX_WAIT_MS = 5_000;

export interface WorkersOptions {
  readonly count: number;
  readonly office: Omit<MainOffice, 'refresh'>;
  /** What every worker is to know, as text; see `writeFacts`. */
  readonly facts: () => string;
}

/** One worker, for `status`. */
export interface WorkerView {
  readonly pid: number;
  readonly connections: number;
}

/** How many there are of those that there should be. */
export interface WorkersStanding {
  readonly wanted: number;
  readonly ready: number;
  /** The program on disk is this one now, whose workers are not taken; undefined: as far as is known it is the running one. */
  readonly otherVersion: string | undefined;
}

export class Workers implements Reception, Lanes {
  readonly #options: WorkersOptions;
  readonly #office: MainOffice;
  readonly #ready = new Set<WorkerProcess>();
  readonly #starting = new Set<WorkerProcess>();
  readonly #waiting = new Set<Arrival>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #timers: NodeJS.Timeout[] = [];
  #restartDelayMs = FIRST_RESTART_DELAY_MS;
  #facts = '';
  #isClosing = false;
  #otherVersion: string | undefined;
  /** Handshakes of workers that have ended. */
  #formerTls: TlsCounters = NO_HANDSHAKES;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#office = { ...options.office, refresh: () => this.refresh() };
  }

  /** Resolves once all are ready. Throws `permission` when one cannot be started. */
  async start(): Promise<void> {
    this.#facts = this.#options.facts();
    const begun = Array.from({ length: this.#options.count }, () => this.#begin());
    const every = (intervalMs: number, act: () => void) => this.#timers.push(setInterval(act, intervalMs).unref());
    every(FACTS_INTERVAL_MS, () => this.tell());
    // Those that are ready want to hear of the main process while others are not.
    every(WATCH_INTERVAL_MS, () => this.#watch());
    const deadline = performance.now() + START_TIMEOUT_MS;
    const areReady = await Promise.all(begun.map((worker) => isTrueBefore(deadline, worker)));
    if (areReady.includes(false)) {
      throw new GatewayError('permission', 'run.workers: a process of its own could not be started for each worker', {
        hint: 'the log says why; or set [run] workers = 1',
      });
    }
  }

  receive(arrival: Arrival): void {
    const [first, ...others] = this.#ready;
    if (first === undefined) this.#wait(arrival);
    else others.reduce((least, worker) => (worker.load < least.load ? worker : least), first).give(arrival);
  }

  /** Tells all what is different from what they were told before. */
  tell(): void {
    const facts = this.#options.facts();
    if (facts === this.#facts || this.#isClosing) return;
    this.#facts = facts;
    for (const worker of this.#all()) worker.tellFacts(facts);
  }

  async recheck(): Promise<number> {
    // First: verdicts of before must not meet facts that would let them count.
    for (const worker of this.#all()) worker.forget();
    this.tell();
    const cut = await Promise.all(this.#all().map((worker) => worker.recheck()));
    return cut.reduce((sum, count) => sum + count, 0);
  }

  /** Asks all how things stand. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#ready].map((worker) => worker.refresh(REFRESH_TIMEOUT_MS)));
  }

  get counters(): FullLaneCounters {
    const lanes = this.#reports().map(({ lane }) => lane);
    return {
      connections: sum(lanes, ({ connections }) => connections),
      requestsInFlight: sum(lanes, ({ requestsInFlight }) => requestsInFlight),
      upgraded: sum(lanes, ({ upgraded }) => upgraded),
    };
  }

  connections(): OpenConnection[] {
    return this.#reports().flatMap(({ connections }) => connections);
  }

  tlsCounters(): TlsCounters {
    return this.#reports().reduce((total, { tls }) => addHandshakes(total, tls), this.#formerTls);
  }

  /** Resident memory of all workers. */
  get memoryBytes(): number {
    return sum(this.#reports(), ({ memoryBytes }) => memoryBytes);
  }

  /** Those that are ready. */
  get list(): WorkerView[] {
    return [...this.#ready].map(({ pid = 0, load }) => ({ pid, connections: load }));
  }

  get standing(): WorkersStanding {
    return { wanted: this.#options.count, ready: this.#ready.size, otherVersion: this.#otherVersion };
  }

  async drain(graceMs: number): Promise<void> {
    this.#stopStarting();
    await Promise.all([...this.#ready].map((worker) => worker.drain(graceMs)));
  }

  /** Ends handshakes that are under way. */
  close(): void {
    for (const arrival of this.#waiting) arrival.socket.destroy();
    for (const worker of this.#ready) worker.closeReception();
  }

  /** Ends every worker at once. */
  end(): void {
    this.#stopStarting();
    for (const worker of this.#ready) worker.kill();
  }

  /** One that does not answer is ended, and so replaced. */
  #watch(): void {
    for (const worker of this.#ready) void worker.refresh(HANG_MS).then((isWell) => this.#judge(worker, isWell));
  }

  #judge(worker: WorkerProcess, isWell: boolean): void {
    if (isWell || this.#isClosing || !this.#ready.has(worker)) return;
    this.#office.log.error({ pid: worker.pid }, 'a worker does not answer any more: it is ended');
    worker.kill();
  }

  #begin(): Promise<boolean> {
    this.tell();
    const worker = new WorkerProcess(this.#office);
    const startedMs = performance.now();
    this.#starting.add(worker);
    worker.tellFacts(this.#facts);
    void worker.ended.then((how) => this.#replace(worker, how, performance.now() - startedMs));
    return worker.refresh(START_TIMEOUT_MS).then((isReady) => this.#admit(worker, isReady));
  }

  #admit(worker: WorkerProcess, isReady: boolean): boolean {
    if (!this.#starting.delete(worker)) return false;
    if (!isReady || !this.#isOfThisVersion(worker)) {
      worker.kill();
      return false;
    }
    this.#ready.add(worker);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const arrival of waiting) this.receive(arrival);
    return true;
  }

  /** What another program makes of the same words, nobody knows. */
  #isOfThisVersion({ report }: WorkerProcess): boolean {
    const other = report?.version === VERSION ? undefined : (report?.version ?? 'unknown');
    if (other !== undefined && other !== this.#otherVersion) {
      this.#office.log.error(
        { version: VERSION, found: other, remedy: 'restart the gateway' },
        'the program was replaced while it runs: its workers are not taken',
      );
    }
    this.#otherVersion = other;
    return other === undefined;
  }

  #replace(worker: WorkerProcess, how: string, livedMs: number): void {
    this.#starting.delete(worker);
    if (this.#ready.delete(worker) && worker.report !== undefined) {
      this.#formerTls = addHandshakes(this.#formerTls, { ...worker.report.tls, pending: 0 });
    }
    if (this.#isClosing) return;
    if (livedMs > PROVEN_MS) this.#restartDelayMs = FIRST_RESTART_DELAY_MS;
    const { pid } = worker;
    this.#office.log.error(
      { event: 'worker-ended', pid, how },
      'a worker ended, and its connections with it: another is started',
    );
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      void this.#begin();
    }, this.#restartDelayMs);
    this.#restarts.add(restart);
    this.#restartDelayMs = Math.min(MAX_RESTART_DELAY_MS, this.#restartDelayMs * 2);
  }

  #stopStarting(): void {
    this.#isClosing = true;
    for (const timer of [...this.#timers, ...this.#restarts]) clearTimeout(timer);
    for (const worker of this.#starting) worker.kill();
  }

  #wait(arrival: Arrival): void {
    this.#waiting.add(arrival);
    const deadline = setTimeout(() => {
      if (this.#waiting.delete(arrival)) arrival.socket.destroy();
    }, MAX_WAIT_MS);
    deadline.unref();
  }

  #all(): WorkerProcess[] {
    return [...this.#ready, ...this.#starting];
  }

  #reports(): WorkerReport[] {
    return [...this.#ready].flatMap(({ report }) => report ?? []);
  }
}

const NO_HANDSHAKES: TlsCounters = { completed: 0, resumed: 0, pending: 0, failed: {} };

function addHandshakes(a: TlsCounters, b: TlsCounters): TlsCounters {
  const failed: Record<string, number> = { ...a.failed };
  for (const [code, count] of Object.entries(b.failed)) failed[code] = (failed[code] ?? 0) + count;
  return {
    completed: a.completed + b.completed,
    resumed: a.resumed + b.resumed,
    pending: a.pending + b.pending,
    failed,
  };
}

function sum<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.reduce((total, item) => total + measure(item), 0);
}

/** False: it is not true in time. */
async function isTrueBefore(deadlineMs: number, coming: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, deadlineMs - performance.now(), false);
  });
  const isTrue = await Promise.race([coming, tooLate]);
  clearTimeout(timer);
  return isTrue;
}
