/** Loads node-forge when a certificate has to be taken apart or put together: its ASN.1 and its old ciphers, nothing else of it. */
import type forgeTypes from 'node-forge';
import { useNativeDigests } from './forge-digests.ts';

export type Asn1 = forgeTypes.asn1.Asn1;
export type Asn1Type = forgeTypes.asn1.Type;

/** The library with `asn1`, `util`, `md`, `pki.oids` and `pki.decryptPrivateKeyInfo`; the rest of it is not there. */
export type Forge = typeof forgeTypes & {
  readonly pbe: {
    /** RFC 7292 appendix B: derives `length` bytes for `purpose` (3: a MAC key). */
    generatePkcs12Key(
      passphrase: string,
      salt: forgeTypes.util.ByteStringBuffer,
      purpose: number,
      iterations: number,
      length: number,
      digest: forgeTypes.md.MessageDigest,
    ): forgeTypes.util.ByteStringBuffer;
  };
};

/** Loads it at the first call; 60 % of the library is left out. */
export async function loadForge(): Promise<Forge> {
  const { default: forge } = await import('node-forge/lib/forge.js');
  // Each file adds its part to the one object.
  await import('node-forge/lib/asn1.js');
  await import('node-forge/lib/pbe.js');
  useNativeDigests(forge);
  return forge;
}
