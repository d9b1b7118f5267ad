/** The composition root: builds everything from a configuration, starts it, reloads it, stops it. */
import type { Explanation, Supposition } from './access/explain.ts';
import { createGate, type Gate } from './access/gate.ts';
import { loadSessionKey } from './access/session.ts';
import type { Config } from './config/schema.ts';
import { type DnsOptions, type DnsService, startDns } from './dns/server.ts';
import { CurrentCertificates } from './gateway/current-certificates.ts';
import { dnsOptions, isDefaultDnsListen } from './gateway/dns-facts.ts';
import { dropPrivileges } from './gateway/drop-privileges.ts';
import { Entrance } from './gateway/entrance.ts';
import { gateOptions } from './gateway/gate-options.ts';
import { laneOptions } from './gateway/lane-options.ts';
import { GatewayPages } from './gateway/pages.ts';
import { buildParts, closeReplaced, type Parts, type PartsOptions, serverName } from './gateway/parts.ts';
import { RemoteSide } from './gateway/remote-side.ts';
import { gatewaySamples } from './gateway/samples.ts';
import { makeServing, type Serving } from './gateway/serving.ts';
import { laneLimits } from './gateway/settings.ts';
import { runSetup, type SetupOutcome } from './gateway/setup.ts';
import { SetupKeeper } from './gateway/setup-keeper.ts';
import type { SiteView } from './gateway/site.ts';
import { type StatusReport, statusReport } from './gateway/status.ts';
import { statusView, visitOf } from './gateway/status-page.ts';
import type { Workers } from './gateway/workers/workers.ts';
import type { FullLaneOptions, Lanes } from './http/full-lane.ts';
import { GatewayError } from './lib/errors.ts';
import { Lifecycle } from './lib/lifecycle.ts';
import type { Log } from './lib/log.ts';
import { residentBytes } from './lib/memory.ts';
import type { StateFolder } from './lib/state-folder.ts';
import { minute } from './lib/words.ts';
import { RequestCounters, renderSamples } from './ops/metrics.ts';
import type { ServerSnapshot } from './server/monitor.ts';
import { TicketKeys } from './tls/ticket-keys.ts';

/** What runs longer than this after SIGTERM is cut. Service managers kill after 10 s: closing must fit in, too. */
const DRAIN_MS = 9_000;

export interface GatewayOptions extends Omit<PartsOptions, 'config'> {
  readonly config: Config;
  readonly state: StateFolder;
  readonly log: Log;
}

export class Gateway {
  readonly counters = new RequestCounters();
  readonly startedAt = new Date();
  readonly #options: GatewayOptions;
  readonly #log: Log;
  readonly #lifecycle = new Lifecycle();
  readonly #certificates = new CurrentCertificates(() => this.#parts);
  #parts: Parts;
  #gate!: Gate;
  #serving!: Serving;
  #entrance!: Entrance;
  #remote!: RemoteSide;
  #setupKeeper!: SetupKeeper;
  #dns: DnsService | undefined;
  #reloading: Promise<unknown> = Promise.resolve();

  private constructor(options: GatewayOptions, parts: Parts) {
    this.#options = options;
    this.#log = options.log;
    this.#parts = parts;
  }

  /** Resolves once every listener is up. Throws `bind`, `permission`, `state`, `certificate` or `config`; nothing stays open then. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    await prepareState(options);
    let gateway: Gateway | undefined;
    const parts = await buildParts({ ...options, inForce: () => gateway?.parts });
    gateway = new Gateway(options, parts);
    try {
      await gateway.#start();
      return gateway;
    } catch (error) {
      await gateway.#dns?.close();
      await gateway.#lifecycle.close();
      await closeReplaced(gateway.#parts, undefined);
      throw error;
    }
  }

  get parts(): Parts {
    return this.#parts;
  }

  get gate(): Gate {
    return this.#gate;
  }

  get lane(): Lanes {
    return this.#serving.lanes;
  }

  /** Undefined: everything is in this process. */
  get workers(): Workers | undefined {
    return this.#serving.workers;
  }

  /** Undefined: DNS is off, or its port could not be had. */
  get dns(): DnsService | undefined {
    return this.#dns;
  }

  get entrance(): Entrance {
    return this.#entrance;
  }

  get remote(): RemoteSide {
    return this.#remote;
  }

  /** Resident memory of this process and its workers; undefined: the system does not tell. */
  get memoryBytes(): number | undefined {
    const own = residentBytes();
    return own === undefined ? undefined : own + (this.workers?.memoryBytes ?? 0);
  }

  /** The configuration of the start: some of it holds until the end. */
  get startedWith(): Config {
    return this.#options.config;
  }

  /** Takes a new configuration and forgets failed sign-ins, or throws and changes nothing. What is open is decided again. Returns what there is to say. */
  async reload(config: Config): Promise<string[]> {
    const former = this.#parts.config;
    await this.#inTurn(() => this.#reload(config));
    this.#gate.reset();
    const settings = JSON.stringify(former.acme) === JSON.stringify(config.acme) ? 'unchanged' : 'changed';
    const waitsUntil = await this.#parts.acme?.hurry(settings);
    return waitsUntil === undefined
      ? []
      : [`acme: the last attempt failed, and the authority is not asked again before ${minute(waitsUntil)}`];
  }

  /** Everything there is to say about the running gateway. */
  async status(): Promise<StatusReport> {
    await this.workers?.refresh();
    return statusReport(this);
  }

  get stateDir(): string {
    return this.#options.state.path;
  }

  /** The decision that a supposed request would get here; `question` as the command line has it. Throws `usage`. */
  explain(question: Readonly<Record<string, unknown>>): Promise<Explanation> {
    const [listener] = this.#entrance.addresses();
    const address = this.#parts.site.lanAddresses[0] ?? '127.0.0.1';
    return this.#gate.explain(question as unknown as Supposition, { address, port: listener?.port ?? 0 });
  }

  /** `setup`: a new claim link, a claim by code, or the remembered server forgotten. */
  setup(question: Readonly<Record<string, unknown>>): Promise<SetupOutcome> {
    return runSetup(question, {
      gate: this.#gate,
      monitor: this.#parts.link.monitor,
      serverName: serverName(this.#parts),
    });
  }

  /** Takes no new connection, lets what runs finish, closes everything. */
  async stop(): Promise<void> {
    await this.#reloading;
    this.#entrance.close();
    await Promise.all([this.lane.drain(DRAIN_MS), this.#remote.close()]);
    await this.#dns?.close();
    await this.#lifecycle.close();
    await closeReplaced(this.#parts, undefined);
  }

  async #start(): Promise<void> {
    const { state, log, config } = this.#options;
    const parts = () => this.#parts;
    this.#gate = await createGate(gateOptions({ parts, state, log, listeners: () => this.#entrance.addresses() }));
    this.#lifecycle.add(() => this.#gate.close());
    this.#setupKeeper = new SetupKeeper({ setup: this.#gate.setup, parts, log });
    this.#lifecycle.add(() => this.#setupKeeper.close());
    const pages = new GatewayPages({
      gate: this.#gate,
      isUp: () => this.#entrance.addresses().length > 0,
      isServerUsable: () => isUsable(parts().link.monitor.snapshot),
      serverName: () => serverName(parts()),
      serverUrl: () => parts().link.monitor.snapshot.url,
      trustGround: async () => {
        const { trustGround } = await import('./gateway/trust.ts');
        return trustGround(parts(), state, this.#entrance.addresses());
      },
      statusView: (scope) => statusView(this, scope),
      visit: (ask) => visitOf(this, ask),
      metrics: () => renderSamples(gatewaySamples(this)),
      challengeAnswer: (path) => parts().acme?.challenges.answerTo(path),
    });
    const noteClient = (address: string | undefined) => this.#remote.noteClient(address);
    const lane = {
      ...laneOptions({ parts, gate: this.#gate, pages, counters: this.counters, log, noteClient }),
      limits: laneLimits(config),
      log,
    };
    this.#serving = await this.#makeServing(lane);
    this.#lifecycle.add(() => this.#serving.workers?.end());
    this.#entrance = new Entrance({ parts, reception: this.#serving.reception, log });
    this.#lifecycle.add(() => this.#entrance.close());
    this.#remote = new RemoteSide({ parts, listeners: () => this.#entrance.addresses(), state, log });
    await this.#entrance.open(config);
    await this.#configureDns(config);
    dropPrivileges(config.run.user, state, log);
    await this.#serving.workers?.start();
    this.#gate.onReview(() => void this.lane.recheck());
    this.#follow(this.#parts, undefined);
    this.#startIssuer();
    await this.#parts.link.monitor.start();
    await this.#remote.start();
  }

  async #makeServing(lane: FullLaneOptions): Promise<Serving> {
    const { config, state, log } = this.#options;
    const ticketKeys = TicketKeys.renewed();
    this.#lifecycle.add(() => ticketKeys.close());
    const certificates = this.#certificates;
    certificates.follow();
    const sessionKey = await loadSessionKey(state);
    const parts = () => this.#parts;
    const { counters } = this;
    return makeServing({ config, parts, gate: this.#gate, lane, counters, certificates, ticketKeys, sessionKey, log });
  }

  #startIssuer(): void {
    const { acme } = this.#parts;
    acme?.challenges.onChange(() => this.#serving.workers?.tell());
    acme?.start(() => void this.#parts.certificates.reload());
  }

  /** One reload after the other. */
  #inTurn(reload: () => Promise<void>): Promise<void> {
    const done = this.#reloading.then(reload);
    this.#reloading = done.catch(() => {});
    return done;
  }

  async #reload(config: Config): Promise<void> {
    const former = this.#parts;
    const next = await buildParts({ ...this.#options, config, inForce: () => this.#parts }, former);
    try {
      refuseToLoseCertificates(next, former);
      await this.#entrance.open(config);
      await this.#configureDns(config);
      this.#gate.configure(next.settings);
    } catch (error) {
      await this.#restore(former.config);
      await closeReplaced(next, former);
      throw error;
    }
    this.#parts = next;
    if (next.certificates !== former.certificates) this.#certificates.follow();
    this.#serving.workers?.tell();
    this.#follow(next, former);
    if (next.link !== former.link) await next.link.monitor.start();
    this.#entrance.settle(config);
    await closeReplaced(former, next);
    // Only now: two at a time would ask for two certificates.
    if (next.acme !== former.acme) this.#startIssuer();
    await this.#dns?.refresh();
    await this.#remote.refresh();
    await this.lane.recheck();
  }

  /** A configuration could not be taken: ports and names are again as `former` has them. */
  async #restore(former: Config): Promise<void> {
    try {
      await this.#entrance.open(former);
      this.#entrance.settle(former);
      await this.#configureDns(former);
    } catch (error) {
      this.#log.error({ error }, 'the former configuration could not be restored: restart the gateway');
    }
  }

  /** Starts, changes or ends the DNS side. On an error it is as it was. */
  async #configureDns(config: Config): Promise<void> {
    const options = dnsOptions(config, () => this.#parts, this.#log);
    if (!config.dns.enabled) {
      await this.#dns?.close();
      this.#dns = undefined;
    } else if (this.#dns !== undefined) await this.#dns.update(options);
    else this.#dns = await this.#startDns(options, config);
  }

  async #startDns(options: DnsOptions, config: Config): Promise<DnsService | undefined> {
    try {
      return await startDns(options);
    } catch (error) {
      // Nobody asked for the default port by name: another program may have it, and the proxy is of use without.
      if (!isDefaultDnsListen(config) || !(error instanceof GatewayError)) throw error;
      this.#log.warn({ remedy: error.hint }, `${error.message}: names are not answered`);
      return undefined;
    }
  }

  /** Listens to the parts that are new. */
  #follow(parts: Parts, former: Parts | undefined): void {
    const { site, link, plexHome } = parts;
    // The list of networks is in force or not with it: what is open is decided again.
    plexHome.onChange(() => void this.lane.recheck());
    if (link !== former?.link) {
      link.monitor.on('change', (now, before) => {
        if (this.#parts.link !== link) return;
        this.#gate.noteServerState(now.state, before.state);
        this.#setupKeeper.look();
        void site.refresh();
        // Certificates may change without the server.
        void this.#parts.certificates.reload();
        void this.#remote.refresh();
      });
    }
    if (site === former?.site) return;
    site.onChange((former) => void this.#siteChanged(former));
    site.watch();
  }

  /** Addresses or networks of this host changed: lists with the word `lan` mean something else now. */
  async #siteChanged(former: SiteView): Promise<void> {
    const { networks } = this.#parts.site.view.lan;
    if (networks.join() !== former.lan.networks.join()) {
      this.#log.info({ lan: networks, formerly: former.lan.networks }, 'the networks of this host changed');
    }
    await this.#parts.certificates.reload();
    // With the configuration of that moment: another may be on its way. Failures stay: a neighbour can make networks come and go.
    await this.#inTurn(() => this.#reload(this.#parts.config)).catch((error: unknown) => {
      this.#log.warn({ error }, 'the changed networks could not be taken');
    });
  }
}

async function prepareState({ state, log }: GatewayOptions): Promise<void> {
  await state.prepare();
  if (!(await state.isOpenToEverybody())) return;
  const remedy = `chmod o-w ${state.path}`;
  log.warn(
    { remedy },
    'every user of this host may write into the state folder, and so sign in with a key of their own',
  );
}

/** At the start the gateway does without a certificate that the file names; on reload that would take the present one away. */
function refuseToLoseCertificates({ certificates: next }: Parts, { certificates: former }: Parts): void {
  const fault = next === former ? undefined : next.faultOf('files');
  if (fault === undefined) return;
  const hadOne = former.facts().some(({ source }) => source === 'files');
  if (hadOne || fault.sentence !== former.faultOf('files')?.sentence) throw fault;
}

function isUsable({ state, kind }: ServerSnapshot): boolean {
  return state === 'claimed' || !kind.hasIdentity;
}
