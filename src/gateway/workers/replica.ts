/** The facts in a worker, in the forms in which they are used: certificates, names, networks, the way to the media server. */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { DeputyFacts, DeputyOptions } from '../../access/deputy.ts';
import type { ServerView } from '../../access/server-facts.ts';
import type { Peer, RequestHead } from '../../http/request.ts';
import type { Upstream } from '../../http/upstream.ts';
import { upstreamOf } from '../../http/upstream.ts';
import { type Servable, ServingSet } from '../../tls/serving.ts';
import type { ContextChooser } from '../../tls/terminator.ts';
import { TicketKeys } from '../../tls/ticket-keys.ts';
import { type ClientGround, viewClient } from '../gate-options.ts';
import type { StreamLimitSettings } from '../stream-limit.ts';
import { serverView, type WorkerFacts } from './worker-facts.ts';

export class Replica implements ContextChooser {
  readonly ticketKeys = new TicketKeys();
  readonly names: DeputyOptions['names'];
  readonly #listeners: (() => void)[] = [];
  #facts!: WorkerFacts;
  #ground!: ClientGround;
  #server!: ServerView;
  #upstream: Upstream | undefined;
  #ownAddresses: ReadonlySet<string> = new Set();
  #certificates = '';
  #serving: ServingSet<Servable> = ServingSet.empty;

  constructor(facts: WorkerFacts) {
    this.take(facts);
    const published = () => this.#facts.published;
    this.names = {
      covers: (name) => this.#serving.covers(name),
      zones: () => this.#serving.zones,
      get published() {
        return published();
      },
      isOwnAddress: (address) => this.#ownAddresses.has(address),
    };
  }

  /** Other facts hold from now on. Open connections to the media server stay while it is where it was. */
  take(facts: WorkerFacts): void {
    const isMoved = facts.server.url !== this.#facts?.server.url;
    this.#facts = facts;
    this.#ground = groundOf(facts);
    this.#server = serverView(facts);
    this.#ownAddresses = new Set(facts.ownAddresses);
    if (isMoved) this.#upstream = facts.server.url === undefined ? undefined : originOf(facts.server.url);
    this.ticketKeys.follow(Buffer.from(facts.ticketKeys, 'base64'));
    this.#takeCertificates(facts);
  }

  get facts(): WorkerFacts {
    return this.#facts;
  }

  get server(): ServerView {
    return this.#server;
  }

  /** Where requests go now: the same object until it changes. */
  get upstream(): Upstream | undefined {
    return this.#upstream;
  }

  get deputyFacts(): DeputyFacts {
    const { settings, plexHome, sessionKey } = this.#facts;
    return { settings, plexHome, sessionKey: Buffer.from(sessionKey, 'base64'), server: this.#server };
  }

  get streamLimit(): StreamLimitSettings {
    const { streamsPerClient, trustedProxies } = this.#facts;
    return { streamsPerClient, trustedProxies };
  }

  /** Who sent a request. */
  clientOf(head: RequestHead, peer: Peer) {
    return viewClient(head, peer, this.#ground);
  }

  get defaultContextOptions(): SecureContextOptions {
    return this.#facts.defaultContextOptions;
  }

  contextFor(serverName: string): SecureContext | undefined {
    return this.#serving.find(serverName)?.context;
  }

  /** The certificate that proves `serverName` to a certificate authority; undefined: it is not being proven. */
  challengeFor(serverName: string): SecureContext | undefined {
    const challenge = this.#facts.challenges.find(({ name }) => name === serverName);
    return challenge && createSecureContext(challenge.contextOptions);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #takeCertificates({ certificates, defaultContextOptions }: WorkerFacts): void {
    const text = JSON.stringify([certificates, defaultContextOptions]);
    if (text === this.#certificates) return;
    this.#certificates = text;
    this.#serving = new ServingSet(
      certificates.map(({ names, contextOptions }) => ({
        names,
        contextOptions,
        context: createSecureContext(contextOptions),
      })),
    );
    for (const listener of this.#listeners) listener();
  }
}

function groundOf({ settings, trustedProxies, reception, site }: WorkerFacts): ClientGround {
  return { settings, trustedProxies, proxyProtocolFrom: reception.proxyProtocolFrom, site: { view: site } };
}

/** The server's certificate is not judged: who it is, the identity says. */
function originOf(url: string): Upstream {
  return upstreamOf(new URL(url), { rejectUnauthorized: false });
}
