/** When to renew, as the authority advises (ACME Renewal Information, RFC 9773). */
import type { X509Certificate } from 'node:crypto';
import type { AcmeClient } from './client.ts';
import type { RenewalAdvice } from './standing.ts';

const MINUTE_MS = 60_000;
/** Section 4.3: six hours when the authority says nothing, and whatever it says, between a minute and a day. */
const ASK_AGAIN_MS = { least: MINUTE_MS, usual: 6 * 60 * MINUTE_MS, most: 24 * 60 * MINUTE_MS };

/** The name of a certificate in these questions (section 4.1); undefined: it names no authority key. */
export function renewalId(leaf: X509Certificate): string | undefined {
  const keyIdentifier = authorityKeyIdentifier(leaf.raw);
  if (keyIdentifier === undefined) return undefined;
  // A serial number whose first bit is set has a zero byte in front of it in DER.
  const hex = leaf.serialNumber.padStart(leaf.serialNumber.length + (leaf.serialNumber.length % 2), '0');
  const serial = Buffer.from(/^[89a-f]/i.test(hex) ? `00${hex}` : hex, 'hex');
  return `${keyIdentifier.toString('base64url')}.${serial.toString('base64url')}`;
}

/** Asks for advice. Never rejects: no advice is an answer, too. */
export async function askRenewalInfo(client: AcmeClient, leaf: X509Certificate, nowMs: number): Promise<RenewalAdvice> {
  const fingerprint = leaf.fingerprint256;
  try {
    const { renewalInfo } = await client.directory();
    const id = renewalId(leaf);
    if (renewalInfo === undefined || id === undefined) return { fingerprint, askAgainAt: nowMs + ASK_AGAIN_MS.most };
    const { document, retryAfterMs } = await client.get(`${renewalInfo.replace(/\/$/, '')}/${id}`);
    const waitMs = Math.min(Math.max(retryAfterMs ?? ASK_AGAIN_MS.usual, ASK_AGAIN_MS.least), ASK_AGAIN_MS.most);
    return { fingerprint, window: readWindow(document['suggestedWindow']), askAgainAt: nowMs + waitMs };
  } catch {
    return { fingerprint, askAgainAt: nowMs + ASK_AGAIN_MS.usual };
  }
}

function readWindow(value: unknown): RenewalAdvice['window'] {
  const { start, end } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const window = { start: Date.parse(String(start)), end: Date.parse(String(end)) };
  return window.start < window.end ? window : undefined;
}

/** Identifier 2.5.29.35 (RFC 5280 section 4.2.1.1) and the tag of its value, as they stand in a certificate. */
const AUTHORITY_KEY_IDENTIFIER = Buffer.from('0603551d2304', 'hex');
const SEQUENCE = 0x30;
const KEY_IDENTIFIER = 0x80;

/** The bytes between are lengths, all below 128. */
function authorityKeyIdentifier(certificate: Buffer): Buffer | undefined {
  const at = certificate.indexOf(AUTHORITY_KEY_IDENTIFIER) + AUTHORITY_KEY_IDENTIFIER.length;
  const [, sequence, , tag, length = 0] = certificate.subarray(at, at + 5);
  if (at < AUTHORITY_KEY_IDENTIFIER.length || sequence !== SEQUENCE || tag !== KEY_IDENTIFIER) return undefined;
  return certificate.subarray(at + 5, at + 5 + length);
}
