/** The check whether the media server shows a newer certificate than the one that the gateway has of it. */
import type { Check } from '../ops/check.ts';
import type { CertificateFacts } from '../tls/certificate-facts.ts';
import type { ShownCertificate } from './shown-certificate.ts';

/** Undefined: they are the same, or there is nothing to compare. */
export function newerCertificateCheck(
  shown: ShownCertificate | undefined,
  certificates: readonly CertificateFacts[],
): Check | undefined {
  const own = certificates.find(({ source }) => source === 'server');
  if (shown === undefined || own === undefined || shown.fingerprint === own.fingerprint) return undefined;
  if (shown.notAfter <= own.notAfter) return undefined;
  const day = (date: Date) => date.toISOString().slice(0, 10);
  return {
    name: 'server certificate',
    verdict: 'fault',
    evidence: `the server has a new certificate (until ${day(shown.notAfter)}), the gateway still the former one (until ${day(own.notAfter)}) from ${own.origin}`,
    remedy: 'bring the new file here: lockgate certificate import FILE, and daily from now on: lockgate snippet nas',
  };
}
