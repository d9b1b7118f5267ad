/** `lockgate certificate import`: takes the media server's PKCS#12, checks it, keeps it for the running gateway to pick up. */
import { GatewayError } from '../lib/errors.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { alternativeNames, type CertificateFacts, describeCertificate } from './certificate-facts.ts';
import type { KeyedChain } from './chain.ts';
import { digestOf, KeptCertificate, type KeptCopy } from './kept-certificate.ts';
import { openPkcs12 } from './pkcs12.ts';
import { plexPassphrase } from './plex-certificate.ts';
import { isForZone, isNewer } from './server-source.ts';

const SUBJECT = 'the imported file';

export interface ImportRequest {
  readonly bytes: Uint8Array;
  readonly state: StateFolder;
  /** The server's id in either form: its passphrase is tried. */
  readonly machineId?: string | undefined;
  /** Further passphrases to try. */
  readonly passphrases?: readonly string[];
  /** The zone that the server is known to have; undefined: it cannot be asked, and the kept certificate's zone stands in. */
  readonly expectedZone?: string | undefined;
  readonly now?: Date;
}

/**
 * Keeps the certificate (0600, in the state folder) and describes it. Importing the same file again changes nothing.
 * Throws `certificate` and changes nothing when the file cannot be opened, its key does not fit, it is for another zone or for none (with no zone known: another
 * than the kept one's), it is not valid now, or it is older than the one that is kept; `state` when it cannot be kept.
 */
export async function importCertificate(request: ImportRequest): Promise<CertificateFacts> {
  const now = request.now ?? new Date();
  const chain = await openPkcs12(SUBJECT, request.bytes, passphrasesOf(request));
  const kept = new KeptCertificate(request.state);
  const present = await readKept(kept);
  checkZone(chain, request.expectedZone);
  if (request.expectedZone === undefined) checkSameServer(chain, present, kept.path);
  checkDates(chain, now);
  checkAge(chain, present);
  await kept.write(chain, digestOf(request.bytes));
  return describeCertificate(chain, { source: 'server', origin: kept.path }, now);
}

function passphrasesOf({ machineId, passphrases = [] }: ImportRequest): string[] {
  const all = machineId === undefined ? [...passphrases] : [plexPassphrase(machineId), ...passphrases];
  if (all.length > 0) return all;
  throw new GatewayError('certificate', "the media server's certificate cannot be opened before its id is known", {
    hint: 'set [server] id to the machineIdentifier that /identity of the server shows',
  });
}

function checkZone(chain: KeyedChain, expected: string | undefined): void {
  const { names, zones } = alternativeNames(chain.leaf.subjectAltName);
  if (expected !== undefined && !zones.includes(expected)) {
    throw new GatewayError(
      'certificate',
      `${SUBJECT} is for ${JSON.stringify(names[0] ?? '')}, not for "*.${expected}"`,
      {
        hint: "it is another server's, or the server has got a new name: then restart the gateway so that it learns it",
      },
    );
  }
  if (zones.length === 0) {
    throw new GatewayError(
      'certificate',
      `${SUBJECT} is not a media server's certificate: it is for ${JSON.stringify(names[0] ?? '')}`,
      {
        hint: 'name certificates of your own in certificate.cert_file or certificate.pfx_file',
      },
    );
  }
}

/** The passphrase comes from an id that is public, so that a file opens proves nothing about whose it is. */
function checkSameServer(chain: KeyedChain, present: KeptCopy | undefined, path: string): void {
  const [keptZone] = present === undefined ? [] : alternativeNames(present.chain.leaf.subjectAltName).zones;
  if (keptZone === undefined || isForZone(chain, keptZone)) return;
  const { names } = alternativeNames(chain.leaf.subjectAltName);
  throw new GatewayError(
    'certificate',
    `${SUBJECT} is for ${JSON.stringify(names[0] ?? '')}, the kept one for "*.${keptZone}", and the media server does not show which is its own`,
    {
      hint: `start the media server with Secure connections on and import again; or, if it has got a new name for good, remove ${JSON.stringify(path)} first`,
    },
  );
}

function checkDates(chain: KeyedChain, now: Date): void {
  const { validFromDate, validToDate } = chain.leaf;
  if (validToDate <= now) {
    throw new GatewayError('certificate', `${SUBJECT} expired on ${validToDate.toISOString()}`, {
      hint: 'restart the media server, signed in and with a way to the Internet: it renews its certificate itself',
    });
  }
  if (validFromDate > now) {
    throw new GatewayError('certificate', `${SUBJECT} is not valid before ${validFromDate.toISOString()}`, {
      hint: `see that the clock of this machine is right: it says ${now.toISOString()}`,
    });
  }
}

function checkAge(chain: KeyedChain, kept: KeptCopy | undefined): void {
  if (kept === undefined || !isNewer(kept.chain, chain)) return;
  const namesOf = ({ leaf }: KeyedChain) => alternativeNames(leaf.subjectAltName).names.join();
  if (namesOf(kept.chain) !== namesOf(chain)) return;
  throw new GatewayError('certificate', `${SUBJECT} was issued before the one that is kept already`, {
    hint: 'see that the right file is pushed: the server writes Cache/cert-v2.p12',
  });
}

/** A kept copy that cannot be read is as good as none: it is about to be replaced. */
async function readKept(kept: KeptCertificate): Promise<KeptCopy | undefined> {
  return kept.read().catch(() => undefined);
}
