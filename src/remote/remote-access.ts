/** Watches over the way in from outside while the gateway runs: the port on the router, the addresses, who came in. */
import { randomBytes } from 'node:crypto';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { canonicalAddress } from '../net/address.ts';
import { firewallMappers, natMappers } from './mappers.ts';
import { lookOutside } from './outside-look.ts';
import { OutsideProof } from './outside-proof.ts';
import { PCP_NONCE_BYTES } from './pcp-message.ts';
import { PlannedPort } from './planned-port.ts';
import { planMapping, planPinhole } from './port-plan.ts';
import type { PublicAddress } from './public-address.ts';
import { type RemoteFacts, surroundings } from './remote-facts.ts';
import { type RemoteFindings, type RemoteView, remoteView } from './view.ts';
import { wayOut } from './way-out.ts';

const NONCE_FILE = 'pcp-nonce';
/** Nobody waits for a look that no port depends on: other things come first at a start. */
const FIRST_LOOK_MS = 15_000;
const LOOK_INTERVAL_MS = 10 * 60_000;
const RETRY_MS = 60_000;

export interface RemoteAccessOptions {
  readonly facts: () => RemoteFacts;
  readonly state: StateFolder;
  readonly log: Log;
  /** The site is seen under another address than before; undefined: under none that is known. */
  readonly onPublicAddress: (address: string | undefined) => void;
  /** Default 15 s: how long a look waits that no port depends on. */
  readonly firstLookMs?: number;
  /** Default a minute: how long the next look waits after one that brought no address; twice as long after each further one. */
  readonly retryMs?: number;
}

export class RemoteAccess {
  readonly #options: RemoteAccessOptions;
  readonly #proof: OutsideProof;
  #nonce: Buffer = Buffer.alloc(PCP_NONCE_BYTES);
  readonly #mapping: PlannedPort;
  readonly #pinhole: PlannedPort;
  #wan: RemoteFindings['wan'];
  #publicAddress: PublicAddress = { state: 'unknown', because: 'nobody was asked yet', remedy: '' };
  #looking: Promise<void> | undefined;
  #isLookWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #retryMs: number;
  #isClosed = false;

  constructor(options: RemoteAccessOptions) {
    this.#options = options;
    this.#retryMs = this.#firstRetryMs;
    const { state, facts, log } = options;
    const isOfThisSite = (address: string) => address === this.publicAddress || facts().isNear(address);
    this.#proof = new OutsideProof({ state, isOfThisSite });
    // Another address of the router's is another one for the Internet too.
    const onMoved = () => this.#schedule(0);
    this.#mapping = new PlannedPort({ log, onMoved, mappers: (way) => natMappers(way, this.#nonce) });
    this.#pinhole = new PlannedPort({
      log,
      onMoved: () => {},
      mappers: (way) => firewallMappers(way, wayOut(4), this.#nonce),
    });
  }

  /** Begins; does not wait for the router. */
  async start(): Promise<void> {
    await this.#proof.load();
    this.#nonce = await readNonce(this.#options.state);
    this.refresh();
  }

  /** The configuration or the network changed: ports that are not wanted any more are closed, new ones opened. */
  refresh(): void {
    if (this.#isClosed) return;
    const facts = this.#options.facts();
    this.#mapping.follow(planMapping(facts, wayOut(4)));
    this.#pinhole.follow(planPinhole(facts, wayOut(6)));
    const isUrgent = facts.mapPort !== 0 || canonicalAddress(facts.publicAddress) !== undefined;
    this.#retryMs = this.#firstRetryMs;
    this.#schedule(isUrgent ? 0 : (this.#options.firstLookMs ?? FIRST_LOOK_MS));
  }

  /** A client of this address was served. */
  noteClient(address: string | undefined): void {
    this.#proof.note(address);
  }

  /** The address under which the Internet sees this site; undefined: not known. */
  get publicAddress(): string | undefined {
    return this.#publicAddress.state === 'known' ? this.#publicAddress.address : undefined;
  }

  get view(): RemoteView {
    const facts = this.#options.facts();
    const { last } = this.#proof;
    const mapping = this.#mapping.view;
    const mapped = mapping.state === 'open' ? mapping.mapping.externalAddress : undefined;
    return remoteView({
      ...surroundings(facts),
      mapping,
      pinhole: this.#pinhole.view,
      wan: mapped === undefined ? this.#wan : { address: mapped, isOwn: false, from: 'the port mapping' },
      publicAddress: this.#publicAddress,
      reached: last && { address: last.address, secondsAgo: Math.max(0, Math.round((Date.now() - last.at) / 1000)) },
    });
  }

  /** Closes the ports on the router and ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#mapping.close(), this.#pinhole.close(), this.#proof.close()]);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isLookWanted = true;
      this.#looking ??= this.#lookWhileWanted();
    }, delayMs).unref();
  }

  get #firstRetryMs(): number {
    return this.#options.retryMs ?? RETRY_MS;
  }

  /** Something may have changed while a look was under way: then it is taken again, at once or when that was asked for. */
  async #lookWhileWanted(): Promise<void> {
    let isKnown = false;
    while (this.#isLookWanted && !this.#isClosed) {
      this.#isLookWanted = false;
      isKnown = await this.#look();
    }
    this.#looking = undefined;
    if (this.#timer !== undefined) return;
    this.#schedule(isKnown ? LOOK_INTERVAL_MS : this.#retryMs);
    this.#retryMs = isKnown ? this.#firstRetryMs : Math.min(LOOK_INTERVAL_MS, this.#retryMs * 2);
  }

  /** Whether the address was told. */
  async #look(): Promise<boolean> {
    const facts = this.#options.facts();
    const former = this.publicAddress;
    const { wan, publicAddress } = await lookOutside(facts, this.#nonce);
    const isKnown = publicAddress.state === 'known';
    if (this.#isClosed) return isKnown;
    this.#wan = wan;
    // One silence does not make an address unknown that was known a while ago.
    const isLate = !isKnown && former !== undefined && publicAddress.remedy !== '';
    if (!isLate) this.#publicAddress = publicAddress;
    const address = this.publicAddress;
    if (address === former) return isKnown;
    this.#options.log.info({ address, former }, 'the Internet sees this site under another address');
    this.#options.onPublicAddress(address);
    return isKnown;
  }
}

/** A mapping is its owner's who knows its nonce (RFC 6887 section 11.1): it must outlive this process. */
async function readNonce(state: StateFolder): Promise<Buffer> {
  const known = await state.read(NONCE_FILE).catch(() => undefined);
  if (known?.length === PCP_NONCE_BYTES) return known;
  const made = randomBytes(PCP_NONCE_BYTES);
  await state.write(NONCE_FILE, made).catch(() => {});
  return made;
}
