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

const TLS13_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

const FORWARD_SECRET_CIPHERS = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].flatMap((cipher) => [
  `ECDHE-ECDSA-${cipher}`,
  `ECDHE-RSA-${cipher}`,
]);

/** The CBC suites of TLS 1.2 and, with SHA-1, of TLS 1.0. */
const CBC_CIPHERS = ['AES128-SHA256', 'AES256-SHA384', 'AES128-SHA', 'AES256-SHA'].flatMap((cipher) => [
  `ECDHE-ECDSA-${cipher}`,
  `ECDHE-RSA-${cipher}`,
]);

const RSA_CIPHERS = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA256', 'AES128-SHA', 'AES256-SHA'];

/** A client that prefers ChaCha20 has no AES in hardware: it gets its way. Renegotiation is of no use to HTTP. */
const SECURE_OPTIONS = constants.SSL_OP_PRIORITIZE_CHACHA | constants.SSL_OP_NO_RENEGOTIATION;

const PROFILES: Readonly<Record<TlsProfileName, TlsProfile>> = {
  modern: {
    minVersion: 'TLSv1.2',
    ciphers: [...TLS13_CIPHERS, ...FORWARD_SECRET_CIPHERS].join(':'),
    ecdhCurve: 'X25519:P-256',
    secureOptions: SECURE_OPTIONS,
    honorCipherOrder: true,
  },
  legacy: {
    minVersion: 'TLSv1',
    ciphers: [...TLS13_CIPHERS, ...FORWARD_SECRET_CIPHERS, ...CBC_CIPHERS, ...RSA_CIPHERS, '@SECLEVEL=0'].join(':'),
    ecdhCurve: 'X25519:P-256:P-384:P-521',
    secureOptions: SECURE_OPTIONS,
    honorCipherOrder: true,
  },
};

/** The settings of a profile for a secure context. */
export function tlsProfile(name: TlsProfileName): TlsProfile {
  return PROFILES[name];
}
