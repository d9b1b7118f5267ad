/** One look for the media server: where it should be, and failing that wherever it is found. */
import { messageOf } from '../lib/errors.ts';
import type { ServerKind } from './kind.ts';
import { RECOGNIZABLE_KINDS } from './kinds.ts';
import { recognizeServer } from './recognize.ts';
import type { ServerMemory } from './server-memory.ts';
import type { FoundServer, Observation } from './server-state.ts';
import { ServerTrouble } from './trouble.ts';

export interface LocatorOptions {
  /** Undefined: whichever recognizable kind answers. */
  readonly kind: ServerKind | undefined;
  /** Undefined: where it was last, else where `discover` finds it. */
  readonly url: string | undefined;
  /** Undefined: the first one found will do. */
  readonly expectedId: string | undefined;
  readonly memory: ServerMemory | undefined;
  /** A server that is only silent is looked for elsewhere too: it has been silent for long. */
  readonly searchesWhenSilent: boolean;
  /** Looks for servers of these kinds; only called without `url`. */
  readonly discover: (kinds: readonly ServerKind[]) => Promise<readonly FoundServer[]>;
  /**
   * Whether a server that calls itself the remembered one, at another address, has proved it by its known certificate. Its id
   * is no proof: anybody can read it.
   */
  readonly provesItself: (found: FoundServer) => Promise<boolean>;
}

/** Never rejects. */
export async function locateServer(options: LocatorOptions): Promise<Observation> {
  const kinds = kindsToTry(options);
  if (options.url !== undefined) return look(options.url, kinds);
  const remembered = options.memory === undefined ? undefined : await look(options.memory.url, kinds);
  if (remembered !== undefined && isConclusive(remembered, options)) return remembered;
  return search(options, kinds, remembered);
}

/** The configured kind, or all, the remembered one first. */
function kindsToTry({ kind, memory }: LocatorOptions): readonly ServerKind[] {
  if (kind !== undefined) return [kind];
  const isRemembered = (candidate: ServerKind) => Number(candidate.name === memory?.kind);
  return RECOGNIZABLE_KINDS.toSorted((a, b) => isRemembered(b) - isRemembered(a));
}

async function look(url: string, kinds: readonly ServerKind[]): Promise<Observation> {
  try {
    const found = await recognizeServer(url, kinds);
    if (found !== undefined) return { seen: 'server', ...found };
    const titles = kinds.map((kind) => kind.title).join(' or ');
    return { seen: 'nothing', isFinal: true, detail: `what answers at ${url} is not ${titles}` };
  } catch (error) {
    const isSilent = error instanceof ServerTrouble && error.trouble === 'silent';
    return { seen: 'nothing', isFinal: !isSilent, detail: `${url} cannot be asked: ${messageOf(error)}` };
  }
}

function isConclusive(observation: Observation, { expectedId, searchesWhenSilent }: LocatorOptions): boolean {
  if (observation.seen === 'nothing') return !observation.isFinal && !searchesWhenSilent;
  return observation.seen === 'server' && (expectedId === undefined || observation.identity.id === expectedId);
}

async function search(
  options: LocatorOptions,
  kinds: readonly ServerKind[],
  remembered: Observation | undefined,
): Promise<Observation> {
  const { expectedId, memory } = options;
  const found = await options.discover(kinds).catch(() => []);
  const wanted = found.filter(({ identity }) => expectedId === undefined || identity.id === expectedId);
  const [server, ...others] = wanted;
  if (server === undefined) return remembered ?? nothingFound(found);
  if (others.length > 0) return { seen: 'several', found: wanted.toSorted((a, b) => a.url.localeCompare(b.url)) };
  const isWhereItWas = memory?.id !== server.identity.id || memory.url === server.url;
  const isTrusted = isWhereItWas || (await options.provesItself(server).catch(() => false));
  return { seen: isTrusted ? 'server' : 'moved', ...server };
}

function nothingFound(others: readonly FoundServer[]): Observation {
  const list = others.map(({ identity, url }) => `${identity.id} at ${url}`).join('; ');
  const detail = list === '' ? 'no media server was found' : `only other media servers were found: ${list}`;
  return { seen: 'nothing', isFinal: true, detail };
}
