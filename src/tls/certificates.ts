/** The certificate store: loads certificates from their sources, serves them by name, and swaps renewed ones in under open connections. */
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import { hasAesInstructions } from './aes-hardware.ts';
import { changeOf } from './bounded-file.ts';
import {
  type CertificateFacts,
  type CertificateProblem,
  type CertificateSourceName,
  describeCertificate,
} from './certificate-facts.ts';
import type { CertificateSource, LoadedCertificate } from './certificate-source.ts';
import { chainEnds, chainTowards, isSameChain, type KeyedChain } from './chain.ts';
import { FolderWatch } from './folder-watch.ts';
import { type TlsProfileName, tlsProfile } from './profile.ts';
import { prepareCertificate, type Servable, type ServedCertificate, ServingSet } from './serving.ts';

/** One context of sessions for all certificates, so that a swap ends none. */
const SESSION_ID_CONTEXT = 'lockgate';
const REMINDER_INTERVAL_MS = 24 * 60 * 60 * 1000;

export interface CertificateStoreOptions {
  /** In the order of preference. */
  readonly sources: readonly CertificateSource[];
  /** Asked only while none of `sources` has a certificate: the private CA of `source = "auto"`. */
  readonly fallback?: CertificateSource;
  /** What there is to say while there is no certificate at all. Default: that nobody can connect with HTTPS. */
  readonly whenEmpty?: CertificateProblem;
  readonly profile: TlsProfileName;
  /** The common name of the root below which chains shall end, where there is a choice; undefined: as they come. */
  readonly preferredChain?: string | undefined;
  /** Default: as this machine's processor says. */
  readonly hasAes?: boolean;
  readonly log?: Log;
  readonly now?: () => Date;
  readonly pollIntervalMs?: number;
  readonly settleMs?: number;
}

export class CertificateStore {
  readonly #options: CertificateStoreOptions;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #baseOptions: SecureContextOptions;
  readonly #faults = new Map<CertificateSourceName, GatewayError>();
  /** When the files were last written, in which the certificates in use were found. */
  readonly #changes = new Map<CertificateSource, Date | undefined>();
  readonly #listeners: (() => void)[] = [];
  readonly #watch: FolderWatch;
  #serving: ServingSet = ServingSet.empty;
  #loading: Promise<void> | undefined;
  #isReloadWanted = false;
  #remindedMs = Number.NEGATIVE_INFINITY;

  constructor(options: CertificateStoreOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#now = options.now ?? (() => new Date());
    this.#baseOptions = {
      ...tlsProfile(options.profile, options.hasAes ?? hasAesInstructions()),
      sessionIdContext: SESSION_ID_CONTEXT,
    };
    this.#watch = new FolderWatch({
      folders: () => this.#allSources().flatMap((source) => source.folders()),
      onChange: () => this.reload(),
      ...(options.pollIntervalMs === undefined ? {} : { pollIntervalMs: options.pollIntervalMs }),
      ...(options.settleMs === undefined ? {} : { settleMs: options.settleMs }),
    });
  }

  /** Loads what is there and watches for changes. Never rejects for a bad or missing certificate: see `problems`. */
  async start(): Promise<void> {
    await this.reload();
    await this.#watch.start();
  }

  close(): void {
    this.#watch.close();
  }

  /** Asks every source again. What cannot be had changes nothing: the last good certificate of that source stays. */
  reload(): Promise<void> {
    this.#isReloadWanted = true;
    this.#loading ??= this.#loadWhileWanted();
    return this.#loading;
  }

  /** Called after each swap. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The context for a client that asks for `serverName`; undefined: none covers it, it gets the default certificate. */
  contextFor(serverName: string): SecureContext | undefined {
    return this.#serving.find(serverName)?.context;
  }

  /** Settings of the default certificate, for clients that name no host: the first in the order of preference. Without `cert` while there is none. */
  get defaultContextOptions(): SecureContextOptions {
    return this.#serving.certificates[0]?.contextOptions ?? this.#baseOptions;
  }

  /** Whether a client that connects to `host` (a name or an address literal, without brackets) finds it in a certificate. */
  covers(host: string): boolean {
    return this.#serving.covers(host);
  }

  /** A covered name that spells `address`, for links to it; undefined while no address-in-name zone is held. */
  nameForAddress(address: string): string | undefined {
    return this.#serving.nameForAddress(address);
  }

  /** The address-in-name zones whose certificates are held. */
  get zones(): readonly string[] {
    return this.#serving.zones;
  }

  /** The certificates in use, in the order of preference. */
  facts(): CertificateFacts[] {
    const now = this.#now();
    return this.#serving.certificates.map(({ chain, source, origin }) =>
      describeCertificate(chain, { source: source.name, origin, changed: this.#changes.get(source) }, now),
    );
  }

  /** The certificates in use with their keys, in the order of preference: for processes that serve them, too. */
  get served(): readonly Servable[] {
    return this.#serving.certificates;
  }

  /** All there is to say: what is wrong with the certificates in use, and why others could not be had. */
  problems(): CertificateProblem[] {
    const served = this.facts();
    const problems = [...this.#faults].map(([name, fault]) => {
      const isStoodInFor = served.some(({ source }) => source === name);
      return problemFrom(fault, isStoodInFor ? 'warning' : 'fault');
    });
    problems.push(...this.#lackingChains(), ...served.flatMap((facts) => facts.problems));
    return served.length > 0 ? problems : [...problems, this.#options.whenEmpty ?? NO_CERTIFICATE];
  }

  /** Why there is no certificate, or no newer one, from this source; undefined: nothing is wrong with it. */
  faultOf(name: CertificateSourceName): GatewayError | undefined {
    return this.#faults.get(name);
  }

  #allSources(): readonly CertificateSource[] {
    const { sources, fallback } = this.#options;
    return fallback === undefined ? sources : [...sources, fallback];
  }

  async #loadWhileWanted(): Promise<void> {
    try {
      while (this.#isReloadWanted) {
        this.#isReloadWanted = false;
        await this.#load();
      }
    } finally {
      this.#loading = undefined;
    }
    this.#remind();
  }

  async #load(): Promise<void> {
    const { sources, fallback } = this.#options;
    const certificates: ServedCertificate[] = [];
    for (const source of sources) certificates.push(...(await this.#loadFrom(source)));
    if (fallback !== undefined) {
      if (certificates.length === 0) certificates.push(...(await this.#loadFrom(fallback)));
      else this.#faults.delete(fallback.name);
    }
    this.#swap(certificates);
  }

  /** The source's certificate: the present one when it has no other; none when it never had one. */
  async #loadFrom(source: CertificateSource): Promise<ServedCertificate[]> {
    const present = this.#serving.certificates.find((certificate) => certificate.source === source);
    try {
      const loaded = await source.load();
      if (loaded !== undefined) this.#changes.set(source, await changeOf(loaded.origin));
      const certificate = loaded === undefined ? present : this.#prepare(source, loaded, present);
      this.#note(source, loaded?.fault);
      return certificate === undefined ? [] : [certificate];
    } catch (error) {
      this.#note(source, faultFrom(source, error));
      return present === undefined ? [] : [present];
    }
  }

  #prepare(
    source: CertificateSource,
    loaded: LoadedCertificate,
    present: ServedCertificate | undefined,
  ): ServedCertificate {
    const chain = this.#preferred(loaded.chain);
    if (present !== undefined && isSameChain(present.chain, chain)) return present;
    return prepareCertificate(source, { ...loaded, chain }, this.#baseOptions);
  }

  #preferred(chain: KeyedChain): KeyedChain {
    const { preferredChain } = this.#options;
    return (preferredChain === undefined ? undefined : chainTowards(chain, preferredChain)) ?? chain;
  }

  /** Chosen by name, and there is no such chain: said for certificates of public authorities only. */
  #lackingChains(): CertificateProblem[] {
    const { preferredChain } = this.#options;
    if (preferredChain === undefined) return [];
    const ofOthers = this.#serving.certificates.filter(({ source }) => source.name !== 'private-ca');
    return ofOthers.flatMap(({ chain }) => {
      const ends = chainEnds(chain);
      if (ends.includes(preferredChain)) return [];
      const sentence = `certificate.preferred_chain: no chain to ${JSON.stringify(preferredChain)} came with the certificate`;
      return [{ severity: 'warning', sentence, remedy: `choose one of: ${ends.join(', ')}; or leave it empty` }];
    });
  }

  #swap(certificates: readonly ServedCertificate[]): void {
    const present = this.#serving.certificates;
    const added = certificates.filter((certificate) => !present.includes(certificate));
    if (added.length === 0 && certificates.length === present.length) return;
    this.#serving = new ServingSet(certificates);
    this.#remindedMs = Number.NEGATIVE_INFINITY;
    for (const facts of this.facts().filter((_, index) => added.includes(certificates[index] as ServedCertificate))) {
      const { source, origin, names, fingerprint, daysLeft } = facts;
      this.#log.info({ source, origin, names, fingerprint, daysLeft }, 'certificate in use');
    }
    for (const listener of this.#listeners) listener();
  }

  /** Remembers a source's fault, and says it once, not with every look. */
  #note(source: CertificateSource, fault: GatewayError | undefined): void {
    const known = this.#faults.get(source.name);
    if (fault === undefined) {
      this.#faults.delete(source.name);
      return;
    }
    this.#faults.set(source.name, fault);
    if (fault.sentence !== known?.sentence) this.#log.warn({ source: source.name }, fault.sentence);
  }

  /** At each swap and once a day: what is wrong with the certificates in use, few days left among it. */
  #remind(): void {
    const nowMs = performance.now();
    if (nowMs - this.#remindedMs < REMINDER_INTERVAL_MS) return;
    this.#remindedMs = nowMs;
    for (const { source, origin, daysLeft, problems } of this.facts()) {
      for (const { sentence, remedy } of problems) {
        this.#log.warn({ source, origin, daysLeft }, `${sentence} (${remedy})`);
      }
    }
  }
}

const NO_CERTIFICATE: CertificateProblem = {
  severity: 'fault',
  sentence: 'there is no certificate: nobody can connect with HTTPS',
  remedy:
    "set [server] data_dir to the media server's folder, or let its machine push the certificate: lockgate snippet nas",
};

/** Trouble with a disk is the user's to mend; anything else that was not foreseen is a defect. */
function faultFrom(source: CertificateSource, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (systemCodeOf(error) === undefined) throw error;
  return new GatewayError('certificate', `the certificate from ${source.name} cannot be had: ${messageOf(error)}`, {
    cause: error,
  });
}

function problemFrom(fault: GatewayError, severity: CertificateProblem['severity']): CertificateProblem {
  return { severity, sentence: fault.message, remedy: fault.hint ?? 'the log has more' };
}
