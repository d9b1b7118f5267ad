/** Signed requests of ACME (RFC 8555 section 6.2): flattened JWS (RFC 7515) with ES256, and HS256 for external account binding. */
import { createHash, createHmac, type KeyObject, sign } from 'node:crypto';

/** A P-256 public key (RFC 7517), its members in the order of the thumbprint. */
export interface Jwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

/** The public half of an account key. */
export function jwkOf(key: KeyObject): Jwk {
  const { crv = '', kty = '', x = '', y = '' } = key.export({ format: 'jwk' });
  return { crv, kty, x, y };
}

/** SHA-256 of the key, base64url (RFC 7638): the second half of every key authorization. */
export function thumbprint(jwk: Jwk): string {
  return createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
}

type Header = Readonly<Record<string, unknown>>;

/** The body of a signed request. `payload` undefined: POST-as-GET (section 6.3). */
export function signedBody(key: KeyObject, header: Header, payload: object | undefined): string {
  const text = payload === undefined ? '' : JSON.stringify(payload);
  return JSON.stringify(
    flattened({ alg: 'ES256', ...header }, text, (input) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' })),
  );
}

/** The proof that the holder of a MAC key wants the account with `jwk` (section 7.3.4). */
export function externalAccountBinding(
  mac: { readonly id: string; readonly key: Buffer },
  url: string,
  jwk: Jwk,
): object {
  return flattened({ alg: 'HS256', kid: mac.id, url }, JSON.stringify(jwk), (input) =>
    createHmac('sha256', mac.key).update(input).digest(),
  );
}

function flattened(header: Header, payload: string, signing: (input: Buffer) => Buffer): object {
  const parts = { protected: base64url(JSON.stringify(header)), payload: base64url(payload) };
  const signature = signing(Buffer.from(`${parts.protected}.${parts.payload}`, 'ascii'));
  return { ...parts, signature: signature.toString('base64url') };
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
