/** What there is to say about a certificate in use: for `status`, `check`, `doctor`, the status page and the log. */
import { counted, day } from '../lib/words.ts';
import { canonicalAddress } from '../net/address.ts';
import { addressZones } from './address-zone.ts';
import { commonName, type KeyedChain } from './chain.ts';

/** Where a certificate comes from, in the order of preference. */
export type CertificateSourceName = 'server' | 'files' | 'acme' | 'private-ca';

/** Something to tell the user: a sentence (subject first, lower case) and what to do. */
export interface CertificateProblem {
  /** `fault`: clients are refused or will be; `warning`: some are, or soon. */
  readonly severity: 'warning' | 'fault';
  readonly sentence: string;
  readonly remedy: string;
}

/** What a certificate is for. */
export interface CertificateNames {
  /** DNS names, lower case, in the certificate's order; wildcards as `*.zone`. */
  readonly names: readonly string[];
  /** Canonical addresses. */
  readonly addresses: readonly string[];
  /** Address-in-name zones among the names. */
  readonly zones: readonly string[];
}

export interface CertificateFacts extends CertificateNames {
  readonly source: CertificateSourceName;
  /** The file, or what else it was taken from. */
  readonly origin: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whole days; negative once it has expired. */
  readonly daysLeft: number;
  /** It should have been renewed by now. */
  readonly isRunningOut: boolean;
  /** SHA-256 of the certificate, upper case hex with colons. */
  readonly fingerprint: string;
  readonly isIncomplete: boolean;
  /** When its file was last written; undefined: not known. */
  readonly changed: Date | undefined;
  readonly problems: readonly CertificateProblem[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** From here on the days left are worth a line a day. */
const FEW_DAYS = 14;

const RENEWAL: Readonly<Record<CertificateSourceName, string>> = {
  server:
    'the media server renews it when it is signed in and reaches the Internet: restart it, then see that the new file arrives here',
  files:
    'see why the tool that made it (acme.sh, certbot, DSM) does not renew it, and that it writes to these very files; new ones are taken up by themselves',
  acme: 'lockgate status says why it is not renewed',
  'private-ca':
    'it is renewed by itself: see that the clock of this machine is right and the state folder can be written',
};

/** Where a certificate was found. */
export interface CertificatePlace {
  readonly source: CertificateSourceName;
  readonly origin: string;
  /** When that was last written, as far as it is a file. */
  readonly changed?: Date | undefined;
}

/** Describes `chain` as it stands at `now`. */
export function describeCertificate(chain: KeyedChain, place: CertificatePlace, now: Date): CertificateFacts {
  const { leaf } = chain;
  const notAfter = leaf.validToDate;
  const notBefore = leaf.validFromDate;
  const daysLeft = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  const facts = {
    source: place.source,
    origin: place.origin,
    ...alternativeNames(leaf.subjectAltName),
    issuer: commonName(leaf.issuer),
    notBefore,
    notAfter,
    daysLeft,
    isRunningOut: isRunningOut({ notBefore, notAfter, daysLeft }, now),
    fingerprint: leaf.fingerprint256,
    isIncomplete: chain.isIncomplete && place.source !== 'private-ca',
    changed: place.changed,
  };
  return { ...facts, problems: problemsOf(facts, now) };
}

/** Certificates of a few days are renewed when a third of them is left: for those, fewer days are few. */
function isRunningOut(
  { notBefore, notAfter, daysLeft }: Pick<CertificateFacts, 'notBefore' | 'notAfter' | 'daysLeft'>,
  now: Date,
): boolean {
  const leftMs = notAfter.getTime() - now.getTime();
  return daysLeft < FEW_DAYS && leftMs < (notAfter.getTime() - notBefore.getTime()) / 4;
}

function problemsOf(facts: Omit<CertificateFacts, 'problems'>, now: Date): CertificateProblem[] {
  const subject = `the certificate for ${JSON.stringify(facts.names[0] ?? facts.addresses[0] ?? 'nothing')}`;
  const problems: CertificateProblem[] = [];
  const add = (severity: CertificateProblem['severity'], sentence: string, remedy: string) =>
    problems.push({ severity, sentence: `${subject} ${sentence}`, remedy });
  const [since, remedy] = [sinceWhen(facts), RENEWAL[facts.source]];
  if (facts.notAfter <= now) add('fault', `expired on ${day(facts.notAfter)}${since}`, remedy);
  else if (facts.isRunningOut) add('warning', `expires in ${days(facts.daysLeft)}${since}`, remedy);
  if (facts.notBefore > now) {
    add('fault', `is not valid before ${day(facts.notBefore)}`, `see that the clock is right: it says ${day(now)}`);
  }
  if (facts.names.length + facts.addresses.length === 0) {
    add('fault', 'names no host', 'clients compare only the subject alternative names: have them put in');
  }
  if (facts.isIncomplete) {
    const remedy =
      'put the whole chain (often called fullchain.pem) into the file, unless clients trust that issuer itself';
    add('warning', `comes without the certificate of its issuer ${JSON.stringify(facts.issuer)}`, remedy);
  }
  if (facts.source === 'private-ca') {
    const remedy =
      "browsers accept it once its root is installed, as the page /.lockgate/trust shows; for apps use the media server's own certificate";
    add('warning', 'is of the private CA: media apps on TVs and phones will not accept it', remedy);
  }
  return problems;
}

/** A file that stays as it is while the end nears is not being renewed, whoever should do that. */
function sinceWhen({ source, changed }: Pick<CertificateFacts, 'source' | 'changed'>): string {
  const isWrittenByOthers = source === 'server' || source === 'files';
  return changed === undefined || !isWrittenByOthers ? '' : `, and its file is unchanged since ${day(changed)}`;
}

function days(count: number): string {
  return count < 1 ? 'less than a day' : counted(count, 'day');
}

/**
 * The subject alternative names, read from the text that node:crypto and node:tls give for them: `DNS:*.example.org, IP Address:FD00:0:0:0:0:0:0:1`.
 * Values with odd characters come quoted there and are left out: no client asks for them.
 */
export function alternativeNames(text: string | undefined): CertificateNames {
  const entries = (text ?? '').split(', ');
  const valuesOf = (prefix: string) =>
    entries.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  const names = valuesOf('DNS:')
    .filter((name) => !name.includes('"'))
    .map((name) => name.toLowerCase());
  const addresses = valuesOf('IP Address:').flatMap((address) => canonicalAddress(address) ?? []);
  return { names, addresses, zones: addressZones(names) };
}
