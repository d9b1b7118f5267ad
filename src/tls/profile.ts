/** Which protocol versions, ciphers and curves the TLS side offers. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/**
 * `modern`: TLS 1.2 and 1.3, forward secrecy and authenticated encryption only.
 * `legacy`: adds what televisions and players from before about 2014 need: TLS 1.0 and 1.1, CBC ciphers with SHA-1, and key exchange by RSA
 * (no forward secrecy). For that it allows the weak signatures of those versions (OpenSSL's security level 0). Triple DES, RC4 and SSL 3 are
 * not built into the runtime: clients that know nothing newer stay out.
 */
export type TlsProfileName = 'modern' | 'legacy';

export type TlsProfile = Readonly<
  Required<Pick<SecureContextOptions, 'minVersion' | 'ciphers' | 'ecdhCurve' | 'secureOptions' | 'honorCipherOrder'>>
>;

/** Authenticated ciphers by their names in TLS 1.3 and before. */
const AES = [
  ['TLS_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
] as const;
const CHACHA = [['TLS_CHACHA20_POLY1305_SHA256', 'CHACHA20-POLY1305']] as const;

/** Those with forward secrecy, the quickest on this machine first. */
function strongCiphers(hasAes: boolean): string[] {
  const ciphers = hasAes ? [...AES, ...CHACHA] : [...CHACHA, ...AES];
  const before13 = ciphers.flatMap(([, cipher]) => [`ECDHE-ECDSA-${cipher}`, `ECDHE-RSA-${cipher}`]);
  return [...ciphers.map(([tls13]) => tls13), ...before13];
}

/** What Windows 7 to 8.1 have in TLS 1.2, and, with SHA-1, all that TLS 1.0 has. */
const CBC_CIPHERS = ['AES128-SHA256', 'AES128-SHA', 'AES256-SHA'].flatMap((cipher) => [
  `ECDHE-ECDSA-${cipher}`,
  `ECDHE-RSA-${cipher}`,
]);

/** All that programs on OpenSSL 0.9.8 know, and Java 6, and Android 2. */
const RSA_CIPHERS = ['AES128-SHA', 'AES256-SHA'];

/** Whoever knows a curve at all knows P-256. */
const CURVES = 'X25519:P-256';

/**
 * A client that puts ChaCha20 first has no AES in hardware: it gets its way. On a machine that has none itself, ChaCha20 is first for all who
 * know it: the gateway encrypts for many, each of them only for itself.
 * Renegotiation is of no use to HTTP.
 */
const SECURE_OPTIONS = constants.SSL_OP_PRIORITIZE_CHACHA | constants.SSL_OP_NO_RENEGOTIATION;

/** The settings of a profile for a secure context. `hasAes`: this machine computes AES in hardware. */
export function tlsProfile(name: TlsProfileName, hasAes: boolean): TlsProfile {
  const common = { ecdhCurve: CURVES, secureOptions: SECURE_OPTIONS, honorCipherOrder: true };
  const ciphers = strongCiphers(hasAes);
  if (name === 'modern') return { ...common, minVersion: 'TLSv1.2', ciphers: ciphers.join(':') };
  const all = [...ciphers, ...CBC_CIPHERS, ...RSA_CIPHERS, '@SECLEVEL=0'];
  return { ...common, minVersion: 'TLSv1', ciphers: all.join(':') };
}
