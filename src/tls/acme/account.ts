/** The gateway's account with a certificate authority (RFC 8555 section 7.3): found again in the state folder, or made. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { AcmeClient, Signer } from './client.ts';
import { externalAccountBinding, jwkOf, thumbprint } from './jws.ts';
import { AcmeProblem, nonsense } from './problem.ts';
import type { AcmeStore } from './store.ts';

export interface AccountOptions {
  readonly client: AcmeClient;
  readonly store: AcmeStore;
  readonly directory: string;
  /** Empty: the authority gets none. */
  readonly email: string;
  /** What the authority gave to its customer (section 7.3.4); undefined: nothing. */
  readonly external: { readonly id: string; readonly key: Buffer } | undefined;
}

export interface Account {
  readonly signer: Signer & { readonly kid: string };
  /** Of its key: the second half of every key authorization. */
  readonly thumbprint: string;
}

/** The key is kept before it is registered: after a power cut the authority finds the account by it. Rejects `AcmeProblem`, `state`. */
export async function openAccount(options: AccountOptions): Promise<Account> {
  const { client, store, directory, email } = options;
  const saved = await store.readAccount(directory);
  if (saved?.url !== undefined && saved.email === email) return accountOf(saved.key, saved.url);
  const key = saved?.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  if (saved === undefined) await store.writeAccount(directory, { key, url: undefined, email: '' });
  const url = saved?.url ?? (await register(options, key));
  if (saved?.url !== undefined) await client.post('[acme] email', url, { key, kid: url }, contactOf(email));
  await store.writeAccount(directory, { key, url, email });
  return accountOf(key, url);
}

async function register({ client, email, external }: AccountOptions, key: KeyObject): Promise<string> {
  const { newAccount, needsExternalAccount } = await client.directory();
  if (needsExternalAccount && external === undefined) {
    throw new AcmeProblem({ type: 'externalAccountRequired', detail: 'the authority takes known customers only' });
  }
  const jwk = jwkOf(key);
  const { headers } = await client.post(
    'the account',
    newAccount,
    { key, jwk },
    {
      // The user agreed by naming this authority in the file.
      termsOfServiceAgreed: true,
      ...(email === '' ? {} : contactOf(email)),
      ...(external && { externalAccountBinding: externalAccountBinding(external, newAccount, jwk) }),
    },
  );
  if (headers.location === undefined) throw nonsense('does not say where the account is');
  return headers.location;
}

function contactOf(email: string): { contact: string[] } {
  return { contact: email === '' ? [] : [`mailto:${email}`] };
}

function accountOf(key: KeyObject, kid: string): Account {
  return { signer: { key, kid }, thumbprint: thumbprint(jwkOf(key)) };
}
