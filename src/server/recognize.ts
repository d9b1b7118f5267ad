/** Finding out which kind of server answers at a URL. */
import { createAsk } from './ask.ts';
import type { ServerKind } from './kind.ts';
import type { FoundServer } from './server-state.ts';

/**
 * The first of `kinds` that the server at `url` is; undefined: something answers, but none of them. A path of the URL is where all
 * routes begin, as clients send them too. Rejects with `ServerTrouble` when nothing usable answers.
 */
export async function recognizeServer(url: string, kinds: readonly ServerKind[]): Promise<FoundServer | undefined> {
  const ask = createAsk({ baseUrl: url, verifyCertificate: false });
  const { origin, pathname } = new URL(url);
  for (const kind of kinds) {
    const identity = await kind.identify(ask);
    if (identity === undefined) continue;
    const basePath = pathname.replace(/\/+$/, '') + identity.basePath;
    return { kind: kind.atBasePath(basePath), url: origin, identity: { ...identity, basePath } };
  }
  return undefined;
}
