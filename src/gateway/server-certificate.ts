/** The check of the certificate that the media server itself shows against the one that the gateway has of it: which of the two is behind, and why. */
import { day } from '../lib/words.ts';
import type { Check } from '../ops/check.ts';
import type { CertificateFacts } from '../tls/certificate-facts.ts';
import type { PlexPreferences } from '../tls/plex-preferences.ts';
import { isServerZone } from './address-zones.ts';
import type { ShownCertificate } from './shown-certificate.ts';

/** From here on clients are about to be refused. */
const LAST_DAYS = 3;

export interface ServerCertificateView {
  /** What the server showed last; undefined: nothing yet. */
  readonly shown: ShownCertificate | undefined;
  readonly certificates: readonly CertificateFacts[];
  /** The server's settings; undefined: they cannot be read from here. */
  readonly settings: PlexPreferences | undefined;
}

/** Undefined: both show the same and it is not due, or there is nothing to compare. */
export function serverCertificateCheck({ shown, certificates, settings }: ServerCertificateView): Check | undefined {
  const own = certificates.find(isOfServer);
  if (shown === undefined || shown.zones.length === 0 || own === undefined) return undefined;
  if (shown.fingerprint === own.fingerprint) return own.isRunningOut ? notRenewed(own, settings) : undefined;
  if (!shown.zones.some((zone) => own.zones.includes(zone))) return renamed(shown, own);
  return isIssuedLater(shown, own) ? stale(shown, own) : serverBehind(shown, own);
}

function isOfServer({ source, zones }: CertificateFacts): boolean {
  return source === 'server' || zones.some(isServerZone);
}

function isIssuedLater(shown: ShownCertificate, own: CertificateFacts): boolean {
  const byStart = shown.notBefore.getTime() - own.notBefore.getTime();
  return byStart > 0 || (byStart === 0 && shown.notAfter > own.notAfter);
}

function check(verdict: Check['verdict'], evidence: string, remedy: string): Check {
  return { name: 'server certificate', verdict, evidence, remedy };
}

function stale(shown: ShownCertificate, own: CertificateFacts): Check {
  return check(
    'fault',
    `the server has a new certificate (until ${day(shown.notAfter)}), the gateway still the former one (until ${day(own.notAfter)}) from ${own.origin}`,
    'bring the new file here: lockgate certificate import FILE, and daily from now on: lockgate snippet nas',
  );
}

/** Signing the server in anew gives it another hash: every name that apps, resolvers and settings know is void. */
function renamed(shown: ShownCertificate, own: CertificateFacts): Check {
  return check(
    'fault',
    `the server's names are now those of ${shown.zones[0]}, the gateway still has the certificate of ${own.zones[0]}`,
    'bring the new file here (lockgate certificate import FILE); then replace the former names in the resolver (lockgate snippet) and in Custom server access URLs',
  );
}

function serverBehind(shown: ShownCertificate, own: CertificateFacts): Check {
  return check(
    'warning',
    `the gateway has the certificate of ${day(own.notBefore)}, the server itself still shows the former one (until ${day(shown.notAfter)})`,
    'restart the media server when nobody watches: apps that reach it past the gateway see its own',
  );
}

/** The file stays as it is while the end nears: what keeps the server from renewing it. */
function notRenewed(own: CertificateFacts, settings: PlexPreferences | undefined): Check {
  const [why, remedy] = reasonOf(settings);
  const evidence = `the server itself shows the same certificate and has not renewed it, ${own.daysLeft} days before its end: ${why}`;
  return check(own.daysLeft < LAST_DAYS ? 'fault' : 'warning', evidence, remedy);
}

function reasonOf(settings: PlexPreferences | undefined): readonly [why: string, remedy: string] {
  if (settings?.isSignedIn === false)
    return ['it is signed out', 'sign the server in: it renews its certificate itself'];
  if (settings?.secureConnections === 'disabled') {
    return ['its Secure connections are disabled', 'in the server: Settings > Network > Secure connections: Preferred'];
  }
  return [
    'it cannot reach plex.tv, or was refused because it asked too often',
    "look for “certificate” in the server's log, see that it reaches plex.tv, restart it once, then wait: after many restarts or new installations in a week the authority makes it wait for days",
  ];
}
