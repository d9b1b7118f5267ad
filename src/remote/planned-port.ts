/** One port on the router that comes and goes with the plan for it. */
import { PortKeeper, type PortKeeperOptions } from './port-keeper.ts';
import type { PortMapper } from './port-mapper.ts';
import type { PortPlan } from './port-plan.ts';
import type { PortView } from './view.ts';
import type { WayOut } from './way-out.ts';

export interface PlannedPortOptions extends Pick<PortKeeperOptions, 'log' | 'onMoved'> {
  readonly mappers: (way: WayOut) => AsyncIterable<PortMapper>;
}

export class PlannedPort {
  readonly #options: PlannedPortOptions;
  #plan: PortPlan = { state: 'off', because: 'not asked for yet', remedy: '' };
  #keeper: PortKeeper | undefined;
  #closing: Promise<unknown> = Promise.resolve();

  constructor(options: PlannedPortOptions) {
    this.#options = options;
  }

  /** Closes what another plan opened and opens what this one says; with the same plan a look is taken now. */
  follow(plan: PortPlan): void {
    const isSame = JSON.stringify(plan) === JSON.stringify(this.#plan);
    this.#plan = plan;
    if (isSame) {
      this.look();
      return;
    }
    this.#end();
    if ('state' in plan) return;
    const { way, wish } = plan;
    const { log, onMoved } = this.#options;
    const closing = this.#closing;
    this.#keeper = new PortKeeper({ wish, log, onMoved, mappers: () => this.#mappersAfter(closing, way) });
  }

  /** Looks at the port now instead of at the next turn. */
  look(): void {
    this.#keeper?.look();
  }

  get view(): PortView {
    if ('state' in this.#plan) return this.#plan;
    return this.#keeper?.state ?? { state: 'searching' };
  }

  /** Closes the port on the router. */
  async close(): Promise<void> {
    this.#end();
    await this.#closing;
  }

  #end(): void {
    const keeper = this.#keeper;
    this.#keeper = undefined;
    if (keeper !== undefined) this.#closing = Promise.all([this.#closing, keeper.close()]);
  }

  /** The former port may be in the way until it is closed. */
  async *#mappersAfter(closing: Promise<unknown>, way: WayOut): AsyncGenerator<PortMapper> {
    await closing;
    yield* this.#options.mappers(way);
  }
}
