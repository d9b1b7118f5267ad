/** The gate: gives every request the policy's decision, with all that the policy needs to know and to remember. */
import type { Peer, RequestHead } from '../http/request.ts';
import { BoundedCache } from '../lib/cache.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import type { Verdict } from '../server/kind.ts';
import type { ServerState } from '../server/server-state.ts';
import { type ClaimAnswer, ClaimSetup } from './claim.ts';
import { type AskAbout, Credentials, credentialKey } from './credentials.ts';
import type { Decision, NeedsCredentials } from './decision.ts';
import {
  type Explanation,
  explanation,
  type SupposedListener,
  type Supposition,
  samePerson,
  supposedRequest,
} from './explain.ts';
import type { ServerFacts } from './facts.ts';
import { type HostNames, hostNames } from './host.ts';
import { KnownAddresses } from './known-addresses.ts';
import { type ListStanding, listStanding } from './networks.ts';
import { sendingPage } from './origin.ts';
import { decide } from './policy.ts';
import { type Refusal, Refusals } from './refusals.ts';
import { remedyFor } from './remedy.ts';
import { type ClientView, type FactSources, RequestFacts, type RequestParts } from './request-facts.ts';
import type { SecureNames } from './secure-location.ts';
import { type ServerView, serverFacts } from './server-facts.ts';
import { loadSessionKey, Sessions } from './session.ts';
import { type AccessSettings, factSettings } from './settings.ts';
import { PinSignIn, type SignInOutcome } from './sign-in.ts';
import { SignInAttempts } from './sign-in-attempts.ts';
import { isSignInAttempt } from './standing.ts';
import { Throttle } from './throttle.ts';
import { VerifiedTable } from './verified-table.ts';

const SELF_TEST_INTERVAL_MS = 60 * 60_000;
/** Masked addresses that were logged. */
const MAX_MASKED_LOGGED = 256;
const NO_TOKEN = 'a client was let in, but there is no server.token to give it: run `lockgate login`';

export interface GateOptions {
  readonly settings: AccessSettings;
  readonly state: StateFolder;
  readonly log?: Log;
  /** Who sent a request. */
  readonly clientOf: (head: RequestHead, peer: Peer) => ClientView;
  readonly server: {
    readonly view: () => ServerView;
    /** Resolves once the server's state is known, after 2 s at the latest. */
    readonly waitUntilKnown: () => Promise<unknown>;
    /** Asks the media server about one credential. */
    readonly verify: AskAbout;
    /** Whether it says at this very moment that it is claimed. */
    readonly confirmClaimed: () => Promise<boolean>;
    /** Hands a claim code to the media server. */
    readonly claim: (code: string) => Promise<ClaimAnswer>;
  };
  /** Asks the account service about one credential; absent: there is none. */
  readonly askAccount?: AskAbout;
  /** Whether Plex Home is on; undefined: not known. */
  readonly plexHome: () => boolean | undefined;
  /** This machine's host name. */
  readonly machineName: string;
  readonly names: SecureNames & Pick<HostNames, 'isOwnAddress'>;
  /** See `ClaimSetupOptions`. */
  readonly setupPageUrl: () => string | undefined;
  /** Clocks in milliseconds. */
  readonly monotonicNow?: () => number;
  readonly wallNow?: () => number;
}

/** Reads what is remembered over restarts and makes the gate. Throws `state` or `config`. */
export async function createGate(options: GateOptions): Promise<Gate> {
  const { state, log = silentLog, wallNow = Date.now } = options;
  const verified = await VerifiedTable.load({ state, log, now: wallNow });
  return new Gate(options, verified, await loadSessionKey(state));
}

export class Gate {
  /** Claiming through the set-up page. */
  readonly setup: ClaimSetup;
  readonly #options: GateOptions;
  readonly #log: Log;
  readonly #sessionKey: Buffer;
  readonly #credentials: Credentials;
  readonly #throttle: Throttle;
  readonly #knownAddresses: KnownAddresses;
  readonly #refusals: Refusals;
  readonly #reviewListeners = new Set<() => void>();
  /** What would mend each. */
  readonly #maskedLogged = new BoundedCache<string, string>({ max: MAX_MASKED_LOGGED });
  readonly #signInAttempts: SignInAttempts;
  readonly #selfTestTimer: NodeJS.Timeout;
  #settings: AccessSettings;
  #sessions: Sessions;
  #pinSignIn: PinSignIn;
  #sources: FactSources;
  #server: { readonly view: ServerView; readonly facts: ServerFacts } | undefined;

  constructor(options: GateOptions, verified: VerifiedTable, sessionKey: Buffer) {
    const { settings, log = silentLog, monotonicNow, wallNow, server, askAccount } = options;
    this.#options = options;
    this.#log = log;
    this.#sessionKey = sessionKey;
    const now = monotonicNow ?? (() => performance.now());
    this.#credentials = new Credentials({
      askServer: server.verify,
      confirmClaimed: server.confirmClaimed,
      verified,
      log,
      now,
      ...(askAccount && { askAccount }),
    });
    this.#throttle = new Throttle({ ...throttleLimits(settings), now });
    this.#signInAttempts = new SignInAttempts(this.#throttle);
    this.#knownAddresses = new KnownAddresses(now);
    this.#refusals = new Refusals(wallNow);
    const { state, setupPageUrl: pageUrl } = options;
    this.setup = new ClaimSetup({ state, throttle: this.#throttle, claim: server.claim, pageUrl, now });
    this.#settings = settings;
    this.#sessions = this.#sessionsFor(settings);
    this.#pinSignIn = new PinSignIn(settings.pinHash, this.#sessions, this.#throttle);
    this.#sources = this.#sourcesFor(settings);
    this.#credentials.onRevoked(() => this.#review());
    this.#selfTestTimer = setInterval(() => this.#testIfClaimed(), SELF_TEST_INTERVAL_MS).unref();
  }

  /** Who sent a request. */
  clientOf(head: RequestHead, peer: Peer): ClientView {
    return this.#options.clientOf(head, peer);
  }

  /**
   * The decision for a request, new or open already; a promise only when the server, or its word on the credentials, has to be
   * waited for.
   */
  decide(head: RequestHead, peer: Peer): Decision | Promise<Decision> {
    const parts = this.#partsOf(head, peer);
    const facts = new RequestFacts(this.#sources, parts);
    const decision = decide(facts);
    if (!isDecision(decision) || waitsForServer(decision, facts)) return this.#decideLater(parts);
    return this.#noted(decision, facts, parts);
  }

  /** The decision for a supposed request, with the reasons. Throws `usage` when the supposition cannot be read. */
  async explain(supposition: Supposition, listener: SupposedListener): Promise<Explanation> {
    const { kind } = this.#options.server.view();
    const sessionCookie = this.#sessions.open(supposition.isPlain !== true);
    const { head, peer } = supposedRequest(supposition, { listener, kind: kind.name, sessionCookie });
    return this.#explain(head, peer, ({ credential = '' }) => this.#credentials.verify(credential));
  }

  /** The decision that the sender of a request would get for `path`. */
  explainTo(head: RequestHead, peer: Peer, path: string): Promise<Explanation> {
    return this.#explain(samePerson(head, path), peer, (facts) => this.#verifyGuess(facts));
  }

  async #explain(
    head: RequestHead,
    peer: Peer,
    verify: (facts: RequestFacts) => Promise<Verdict>,
  ): Promise<Explanation> {
    const { kind } = this.#options.server.view();
    const parts = this.#partsOf(head, peer);
    const { decision, facts } = await this.#settle(parts, verify);
    const change = remedyFor(decision, { facts, mend: parts.client.mend, page: sendingPage(head) });
    return explanation(decision, facts, { list: this.list, kindTitle: kind.title, change });
  }

  /** The origin that may read an error which the policy did not foresee (CORS); undefined: none. */
  corsOrigin(head: RequestHead, peer: Peer): string | undefined {
    return new RequestFacts(this.#sources, this.#partsOf(head, peer)).corsOrigin;
  }

  /** Learns from the server's answer to a forwarded request: 401 and 498 cast doubt on its credential, 401 to a sign-in is a failed one. */
  noteAnswer(head: RequestHead, peer: Peer, status: number): void {
    this.#signInAttempts.settle(head, status === 401);
    if (status !== 401 && status !== 498) return;
    const { credential } = new RequestFacts(this.#sources, this.#partsOf(head, peer));
    if (credential !== undefined) void this.#credentials.doubt(credential);
  }

  /** How long the credential in a request goes on to pass for valid without being asked about; 0: not at all. For a `Deputy`. */
  validForMs(head: RequestHead): number {
    const found = this.#options.server.view().kind.findCredentials(head);
    return found.found === 'one' ? this.#credentials.validForMs(credentialKey(found.value)) : 0;
  }

  /** A `Deputy` let somebody pass who has valid credentials and comes from `address`. */
  noteValidFrom(address: string): void {
    this.#knownAddresses.note(address);
  }

  /** The media server's state changed. */
  noteServerState(state: ServerState, former: ServerState): void {
    if (state === former) return;
    if (former === 'unknown' || state === 'claimed') this.#credentials.forget();
    if (state === 'claimed') {
      void this.testServer();
      this.setup.finish().catch((error: unknown) => {
        this.#log.warn({ reason: messageOf(error) }, 'the set-up file was not removed');
      });
    }
    this.#review();
  }

  /** One post of the sign-in form. */
  signIn(pin: string, head: RequestHead, peer: Peer): Promise<SignInOutcome> {
    const { address, isTls } = this.clientOf(head, peer);
    return this.#pinSignIn.signIn(pin, { key: address ?? peer.address, isTls });
  }

  /** A Set-Cookie value that ends the session of this browser. */
  signOut(head: RequestHead, peer: Peer): string {
    return this.#sessions.end(this.clientOf(head, peer).isTls);
  }

  /** Takes new settings. Throws `config` and changes nothing when the PIN's hash cannot be read. */
  configure(settings: AccessSettings): void {
    const sessions = this.#sessionsFor(settings);
    this.#pinSignIn = new PinSignIn(settings.pinHash, sessions, this.#throttle);
    this.#sessions = sessions;
    this.#settings = settings;
    this.#server = undefined;
    this.#sources = this.#sourcesFor(settings);
    this.#throttle.configure(throttleLimits(settings));
    this.#review();
  }

  /** Forgets all failures: whoever was throttled may try again. */
  reset(): void {
    this.#throttle.reset();
  }

  /** Calls `listener` whenever something that is open may not be allowed any more: `decide` again. */
  onReview(listener: () => void): void {
    this.#reviewListeners.add(listener);
  }

  /** Whether `allowed_networks` is in force, and why. */
  get list(): ListStanding {
    return listStanding(this.#settings.requireAuth, this.#options.plexHome());
  }

  /** The last refusals, newest first. */
  get refusals(): readonly Refusal[] {
    return this.#refusals.list;
  }

  /** Peers whose address does not say who is behind it, and what would mend that. */
  get maskedPeers(): readonly { readonly address: string; readonly mend: string }[] {
    return [...this.#maskedLogged.entries()].map(([address, mend]) => ({ address, mend }));
  }

  /** Whether the media server refuses made-up credentials from the gateway; undefined: not known. */
  get serverIsStrict(): boolean | undefined {
    return this.#credentials.serverIsStrict;
  }

  /** Finds out whether it does, now. Never rejects. */
  testServer(): Promise<void> {
    return this.#credentials.testServer();
  }

  /** Writes what is to be remembered. */
  async close(): Promise<void> {
    clearInterval(this.#selfTestTimer);
    await this.#credentials.close();
  }

  async #decideLater(parts: RequestParts): Promise<Decision> {
    const { decision, facts } = await this.#settle(parts, (facts) => this.#verifyGuess(facts));
    return this.#noted(decision, facts, parts);
  }

  /** Waits for whatever the policy needs to know, each once. */
  async #settle(
    parts: RequestParts,
    verify: (facts: RequestFacts) => Promise<Verdict>,
  ): Promise<{ decision: Decision; facts: RequestFacts }> {
    let facts = new RequestFacts(this.#sources, parts);
    let decision = decide(facts);
    if (isDecision(decision) && waitsForServer(decision, facts)) {
      await this.#options.server.waitUntilKnown();
      facts = new RequestFacts(this.#sources, { ...parts, ...this.#serverParts() });
      decision = decide(facts);
    }
    if (isDecision(decision)) return { decision, facts };
    const verdict = await verify(facts);
    facts = new RequestFacts(this.#sources, { ...parts, ...this.#serverParts(), verdict });
    decision = decide(facts);
    if (isDecision(decision)) return { decision, facts };
    throw new GatewayError('defect', 'the policy asked twice about the same credentials');
  }

  /** Charged first and refunded when good, so that a thousand guesses at once are not a thousand answers. */
  async #verifyGuess(facts: RequestFacts): Promise<Verdict> {
    const { credential = '', throttleKey } = facts;
    const key = credentialKey(credential);
    const isGuess = !this.#credentials.wasValidLately(key);
    const isCharged = isGuess && this.#throttle.charge(throttleKey, credential);
    const verdict = await this.#credentials.verify(credential, key);
    if (isCharged && verdict.verdict !== 'invalid') this.#throttle.refund(throttleKey, credential);
    return verdict;
  }

  #noted(decision: Decision, facts: RequestFacts, { head, peer, client }: RequestParts): Decision {
    if (decision.action === 'forward' && isSignInAttempt(facts)) this.#signInAttempts.charge(head, facts.throttleKey);
    if (client.place === 'masked') this.#logMasked(peer, client);
    else if (decision.rule === 'valid' && client.address !== undefined) this.#knownAddresses.note(client.address);
    if (decision.action === 'refuse') {
      if (decision.rule === 'admitted' || decision.rule === 'session') this.#log.warn({}, NO_TOKEN);
      const { method, path } = head;
      const remedy = remedyFor(decision, { facts, mend: client.mend, page: sendingPage(head) });
      this.#refusals.note({ address: facts.throttleKey, method, path }, decision, remedy);
    }
    return decision;
  }

  #logMasked({ address }: Peer, { mend }: ClientView): void {
    if (this.#maskedLogged.has(address)) return;
    this.#maskedLogged.set(address, mend ?? '');
    this.#log.warn({ address, remedy: mend }, 'an address does not say who is behind it; it counts as outside');
  }

  #partsOf(head: RequestHead, peer: Peer): RequestParts {
    const { kind, server } = this.#serverParts();
    return { head, peer, client: this.clientOf(head, peer), kind, server };
  }

  #serverParts(): Pick<RequestParts, 'kind' | 'server'> {
    const view = this.#options.server.view();
    if (this.#server?.view !== view) {
      this.#server = { view, facts: serverFacts(view, this.#settings.minServerVersion) };
    }
    return { kind: view.kind, server: this.#server.facts };
  }

  #sessionsFor({ pinHash, sessionLifetimeMs: lifetimeMs }: AccessSettings): Sessions {
    const { wallNow = Date.now } = this.#options;
    return new Sessions({ key: this.#sessionKey, pinHash, lifetimeMs, now: wallNow });
  }

  #sourcesFor(settings: AccessSettings): FactSources {
    const { names, machineName } = this.#options;
    return {
      settings: factSettings(settings),
      hostNames: hostNames(machineName, settings.allowedHosts, names),
      secureNames: names,
      sessions: this.#sessions,
      listIsInForce: () => this.list.isInForce,
      isKnownAddress: (address) => this.#knownAddresses.has(address),
      isSetupUnderWay: () => this.setup.progress !== 'ready',
      recall: (credential) => this.#credentials.recall(credentialKey(credential)),
      throttledForSeconds: (client, credential) => this.#throttledForSeconds(client, credential),
    };
  }

  /** What was good lately is no guess, and what is being asked already costs nothing more. */
  #throttledForSeconds(client: string, credential: string | undefined): number {
    const key = credential === undefined ? undefined : credentialKey(credential);
    const isNoGuess = key !== undefined && (this.#credentials.wasValidLately(key) || this.#credentials.isAsked(key));
    return isNoGuess ? 0 : this.#throttle.waitSeconds(client);
  }

  #testIfClaimed(): void {
    if (this.#options.server.view().state === 'claimed') void this.testServer();
  }

  #review(): void {
    for (const listener of this.#reviewListeners) listener();
  }
}

function throttleLimits(settings: AccessSettings): { failures: number; windowMs: number } {
  return { failures: settings.authFailures, windowMs: settings.authWindowMs };
}

function isDecision(decision: Decision | NeedsCredentials): decision is Decision {
  return !('needs' in decision);
}

/** Decided for want of the server's state: worth a probe before it is final. */
function waitsForServer(decision: Decision, { server }: RequestFacts): boolean {
  if (server.state !== 'unknown' || !server.hasIdentity) return false;
  return decision.rule === 'claim-guard' || decision.action === 'identity' || decision.action === 'preflight';
}
