/** The DNS side of the gateway: starts it, keeps it in step with the site, reloads it, stops it. */

import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { ClientTable } from './client.ts';
import { type DnsCounters, newCounters } from './counters.ts';
import { expandEndpoints } from './endpoint.ts';
import type { AnswerMode, DnsFacts } from './facts.ts';
import { Forwarder } from './forwarder.ts';
import { Listeners } from './listeners.ts';
import { openUpstreams } from './open-upstreams.ts';
import { Responder } from './responder.ts';
import { SiteSource } from './site.ts';
import type { Steering } from './steering.ts';
import { UpstreamGroup } from './upstream-group.ts';
import type { UpstreamStatus } from './upstream-health.ts';

/** How often wildcard listeners are compared with the interfaces. */
const INTERFACE_CHECK_MS = 5000;
/** A device in a home asks a few hundred questions in its busiest second. */
const QUESTIONS_PER_SECOND = 500;

export interface DnsOptions {
  /** `address:port` or `[address]:port`; `0.0.0.0` and `::` stand for all addresses of this host. */
  readonly listen: readonly string[];
  readonly answer: AnswerMode;
  readonly facts: DnsFacts;
  /** Empty: only own names are answered. */
  readonly upstreams: readonly string[];
  readonly rebindAllow: readonly string[];
  /** Answers to remember; 0 for none. */
  readonly cacheSize: number;
  readonly allowsClient: (address: string) => boolean;
  /** For one asker outside loopback; default 500. */
  readonly questionsPerSecond?: number;
  /** Random letter case in questions to upstreams (0x20); default off, because not every upstream repeats it. */
  readonly randomCase?: boolean;
  /** PEM certificates trusted for DoT and DoH upstreams besides the usual ones. */
  readonly certificateAuthorities?: readonly string[];
  readonly log: Log;
}

export interface DnsService {
  /** What is listened on, as `address:port`. */
  addresses(): readonly string[];
  /** A copy of the counters; they go on through reloads. */
  counters(): DnsCounters;
  /** Where each zone's names lead, and why. */
  steering(): readonly Steering[];
  upstreams(): readonly UpstreamStatus[];
  /** Takes new options: listeners that stay keep their sockets; the cache starts empty. Rejects like `startDns` and changes nothing then. */
  update(options: DnsOptions): Promise<void>;
  /** Looks at the facts and the interfaces at once, instead of within seconds. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Starts to listen. Rejects with `config` for an unreadable entry, with `bind` or `permission` when an address cannot be had. */
export async function startDns(options: DnsOptions): Promise<DnsService> {
  const server = new DnsServer(options);
  try {
    await server.listen();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** What a set of options was made into; replaced as a whole. */
interface Works {
  readonly options: DnsOptions;
  readonly sites: SiteSource;
  readonly upstreams: UpstreamGroup | undefined;
  readonly responder: Responder;
}

class DnsServer implements DnsService {
  readonly #counters = newCounters();
  readonly #listeners: Listeners;
  readonly #timer: NodeJS.Timeout;
  #works: Works;
  /** Listener changes happen one after the other. */
  #change: Promise<void> = Promise.resolve();

  constructor(options: DnsOptions) {
    this.#works = this.#build(options);
    const { log } = options;
    this.#listeners = new Listeners({ responder: () => this.#works.responder, counters: this.#counters, log });
    this.#timer = setInterval(() => {
      this.refresh().catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'DNS cannot follow the interfaces'),
      );
    }, INTERFACE_CHECK_MS);
    this.#timer.unref();
  }

  addresses(): readonly string[] {
    return this.#listeners.addresses;
  }

  counters(): DnsCounters {
    return { ...this.#counters };
  }

  steering(): readonly Steering[] {
    return this.#works.sites.at(performance.now()).steering;
  }

  upstreams(): readonly UpstreamStatus[] {
    return this.#works.upstreams?.status ?? [];
  }

  async listen(): Promise<void> {
    await this.#listenAs(this.#works.options, { mustAll: true });
  }

  async update(options: DnsOptions): Promise<void> {
    const works = this.#build(options);
    try {
      await this.#listenAs(options, { mustAll: true });
    } catch (error) {
      works.upstreams?.close();
      throw error;
    }
    this.#works.upstreams?.close();
    this.#works = works;
  }

  async refresh(): Promise<void> {
    this.#works.sites.refresh(performance.now());
    await this.#listenAs(this.#works.options, { mustAll: false });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#change.catch(() => {});
    await this.#listeners.close();
    this.#works.upstreams?.close();
  }

  #listenAs({ listen, facts }: DnsOptions, { mustAll }: { mustAll: boolean }): Promise<void> {
    const agree = () => this.#listeners.agreeWith(expandEndpoints(listen, facts.networks()), mustAll);
    this.#change = this.#change.catch(() => {}).then(agree);
    return this.#change;
  }

  #build(options: DnsOptions): Works {
    const counters = this.#counters;
    const { log, rebindAllow, cacheSize, allowsClient, randomCase = false } = options;
    const { questionsPerSecond = QUESTIONS_PER_SECOND } = options;
    const sites = new SiteSource(options.facts, options.answer);
    const clients = new ClientTable({ allowsClient, questionsPerSecond });
    const upstreams = this.#openUpstreams(options);
    const forwarder =
      upstreams === undefined
        ? undefined
        : new Forwarder({ upstreams, rebindAllow, cacheSize, randomCase, counters, log });
    return { options, sites, upstreams, responder: new Responder({ sites, clients, forwarder, counters, log }) };
  }

  #openUpstreams({ upstreams, certificateAuthorities }: DnsOptions): UpstreamGroup | undefined {
    if (upstreams.length === 0) return undefined;
    const onTimeout = () => {
      this.#counters.timeouts += 1;
    };
    return new UpstreamGroup(openUpstreams(upstreams, certificateAuthorities), onTimeout);
  }
}
