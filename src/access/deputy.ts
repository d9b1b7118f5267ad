/** Decides in the gate's place, in another process, what is sure by the facts it was told; everything else it asks the gate. */
import type { Peer, RequestHead } from '../http/request.ts';
import { BoundedCache } from '../lib/cache.ts';
import { credentialKey } from './credentials.ts';
import type { Decision, NeedsCredentials, Refuse } from './decision.ts';
import type { ServerFacts } from './facts.ts';
import { type HostNames, hostNames } from './host.ts';
import { KnownAddresses } from './known-addresses.ts';
import { listStanding } from './networks.ts';
import { decide } from './policy.ts';
import { type ClientView, type FactSources, RequestFacts, type RequestParts } from './request-facts.ts';
import type { SecureNames } from './secure-location.ts';
import { type ServerView, serverFacts } from './server-facts.ts';
import { Sessions } from './session.ts';
import { type AccessSettings, factSettings } from './settings.ts';
import { isSignInAttempt } from './standing.ts';

const MAX_VALID = 2_000;
/** Masked addresses of which the gate has heard. */
const MAX_MASKED_TOLD = 256;
const RETRY_SECONDS = 5;

/** The gate's word on a request. */
export interface GateAnswer {
  readonly decision: Decision;
  /** So long its credential passes for valid without being asked about again; 0: not at all. */
  readonly validForMs: number;
}

export interface DeputyOptions {
  readonly clientOf: (head: RequestHead, peer: Peer) => ClientView;
  readonly names: SecureNames & Pick<HostNames, 'isOwnAddress'>;
  readonly machineName: string;
  /** The gate's; undefined: it did not answer. */
  readonly ask: (head: RequestHead, peer: Peer) => Promise<GateAnswer | undefined>;
  /** Valid credentials came from an address from which none came lately. */
  readonly onValidFrom: (address: string) => void;
  /** Whether what was told still holds; while it does not, the gate decides everything. */
  readonly isCurrent: () => boolean;
}

/** What the deputy is told. */
export interface DeputyFacts {
  readonly settings: AccessSettings;
  readonly plexHome?: boolean | undefined;
  readonly sessionKey: Buffer;
  readonly server: ServerView;
}

/**
 * Only what the gate would pass on without counting, remembering or waiting is decided here: a request with credentials that it has just
 * called valid, or of a client that is let in. A refusal never is, so that failures are counted in one place.
 */
export class Deputy {
  readonly #options: DeputyOptions;
  /** Until when, on the monotonic clock in milliseconds, by key. */
  readonly #validUntilMs = new BoundedCache<string, number>({ max: MAX_VALID });
  readonly #knownAddresses = new KnownAddresses();
  readonly #maskedTold = new BoundedCache<string, true>({ max: MAX_MASKED_TOLD });
  #generation = 0;
  #sources: FactSources;
  #server: { readonly view: ServerView; readonly facts: ServerFacts };

  constructor(options: DeputyOptions, facts: DeputyFacts) {
    this.#options = options;
    this.#sources = this.#sourcesFor(facts);
    this.#server = serverOf(facts);
  }

  /** Other facts hold from now on. */
  configure(facts: DeputyFacts): void {
    this.#sources = this.#sourcesFor(facts);
    this.#server = serverOf(facts);
  }

  /** The media server cannot be reached: nothing is passed on before the gate has had a look. */
  close(): void {
    const view: ServerView = { ...this.#server.view, state: 'unknown', unknownBecause: 'down' };
    this.#server = { view, facts: { ...this.#server.facts, state: 'unknown', unknownBecause: 'down' } };
  }

  /** No credential passes for valid any more before the gate says so again. */
  forget(): void {
    this.#generation += 1;
    this.#validUntilMs.clear();
  }

  /** The decision for a request, new or open already. */
  decide(head: RequestHead, peer: Peer): Decision | Promise<Decision> {
    const parts = this.#partsOf(head, peer);
    const facts = new RequestFacts(this.#sources, parts);
    const decision = decide(facts);
    const isMine = this.#options.isCurrent() && isSure(decision, facts);
    if (!isMine || !this.#isMaskKnown(parts)) return this.#ask(head, peer, facts.credential);
    if (decision.rule === 'valid') this.#noteValid(parts.client);
    return decision;
  }

  /** The origin that may read an error which the policy did not foresee (CORS); undefined: none. */
  corsOrigin(head: RequestHead, peer: Peer): string | undefined {
    return new RequestFacts(this.#sources, this.#partsOf(head, peer)).corsOrigin;
  }

  async #ask(head: RequestHead, peer: Peer, credential: string | undefined): Promise<Decision> {
    const generation = this.#generation;
    const answer = await this.#options.ask(head, peer);
    if (answer === undefined) return UNANSWERED;
    if (answer.validForMs > 0 && credential !== undefined && generation === this.#generation) {
      this.#validUntilMs.set(credentialKey(credential), performance.now() + answer.validForMs);
    }
    return answer.decision;
  }

  /** The gate says once of each such address what would mend it. */
  #isMaskKnown({ client, peer }: RequestParts): boolean {
    if (client.place !== 'masked' || this.#maskedTold.has(peer.address)) return true;
    this.#maskedTold.set(peer.address, true);
    return false;
  }

  #noteValid({ address, place }: ClientView): void {
    if (place === 'masked' || address === undefined || this.#knownAddresses.has(address)) return;
    this.#knownAddresses.note(address);
    this.#options.onValidFrom(address);
  }

  #partsOf(head: RequestHead, peer: Peer): RequestParts {
    const { view, facts } = this.#server;
    return { head, peer, client: this.#options.clientOf(head, peer), kind: view.kind, server: facts };
  }

  #sourcesFor({ settings, plexHome, sessionKey }: DeputyFacts): FactSources {
    const { names, machineName } = this.#options;
    const { pinHash, sessionLifetimeMs: lifetimeMs } = settings;
    const list = listStanding(settings.requireAuth, plexHome);
    return {
      settings: factSettings(settings),
      hostNames: hostNames(machineName, settings.allowedHosts, names),
      secureNames: names,
      sessions: new Sessions({ key: sessionKey, pinHash, lifetimeMs }),
      listIsInForce: () => list.isInForce,
      isKnownAddress: (address) => this.#knownAddresses.has(address),
      recall: (credential) => this.#recall(credentialKey(credential)),
      // Of these the gate decides: see `isSure`.
      isSetupUnderWay: () => false,
      throttledForSeconds: () => 0,
    };
  }

  #recall(key: string): { readonly verdict: 'valid' } | undefined {
    const untilMs = this.#validUntilMs.get(key);
    return untilMs !== undefined && untilMs > performance.now() ? { verdict: 'valid' } : undefined;
  }
}

/** What a certificate authority asks for here is answered before the policy, by who keeps the proofs (RFC 8555 section 8.3). */
const CHALLENGE_FOLDER = '/.well-known/acme-challenge/';

/** The gate would decide the same, and there is nothing in it for the gate to note. */
function isSure(decision: Decision | NeedsCredentials, facts: RequestFacts): decision is Decision {
  if ('needs' in decision || facts.gatewayPath !== 'elsewhere') return false;
  if (facts.path.startsWith(CHALLENGE_FOLDER)) return false;
  if (decision.action === 'forward') return !isSignInAttempt(facts);
  return decision.action === 'redirect';
}

const UNANSWERED: Refuse = {
  action: 'refuse',
  rule: 'unverifiable',
  status: 503,
  reason: 'starting',
  detail: 'The gateway is too busy to decide on this, or starts a part of itself anew; try again.',
  retryAfterSeconds: RETRY_SECONDS,
};

function serverOf({ server, settings }: DeputyFacts) {
  return { view: server, facts: serverFacts(server, settings.minServerVersion) };
}
