/** What a worker knows of the gateway around it: everything that decisions rest on, told anew whenever something is different. */
import type { SecureContextOptions } from 'node:tls';
import type { ServerView } from '../../access/server-facts.ts';
import type { AccessSettings } from '../../access/settings.ts';
import type { FullLaneLimits } from '../../http/limits.ts';
import { NetworkList, parseNetworkList } from '../../net/address.ts';
import type { ServerKindName } from '../../server/kind.ts';
import { KINDS, kindNamed } from '../../server/kinds.ts';
import type { ChallengeCertificate } from '../../tls/acme/challenge-board.ts';
import type { Servable } from '../../tls/serving.ts';
import { dropsAppHeaders } from '../lane-options.ts';
import type { Parts } from '../parts.ts';
import { type Endpoint, publishedEndpoint } from '../published.ts';
import type { ReceptionSettings } from '../reception.ts';
import { laneLimits, receptionSettings } from '../settings.ts';
import type { SiteView } from '../site.ts';

export interface WorkerFacts {
  readonly settings: AccessSettings;
  /** Undefined: not known. */
  readonly plexHome?: boolean | undefined;
  readonly trustedProxies: NetworkList;
  readonly site: Pick<SiteView, 'lanList' | 'routers' | 'isRouter'>;
  /** The gateway's, the media server's and the site's. */
  readonly ownAddresses: readonly string[];
  readonly published?: Endpoint | undefined;
  readonly server: Omit<ServerView, 'kind'> & { readonly kind: ServerKindName; readonly url?: string | undefined };
  readonly reception: ReceptionSettings;
  /** See `StreamLimit`. */
  readonly streamsPerClient: number;
  readonly isExpress: boolean;
  readonly dropsAppHeaders: boolean;
  readonly isVerbose: boolean;
  readonly limits: FullLaneLimits;
  readonly certificates: readonly Omit<Servable, 'context'>[];
  readonly defaultContextOptions: SecureContextOptions;
  /** Those that prove names to a certificate authority now. */
  readonly challenges: readonly ChallengeCertificate[];
  /** Base64. */
  readonly ticketKeys: string;
  /** Base64. */
  readonly sessionKey: string;
}

/** What the parts do not know. */
export interface FactsBeside {
  /** How many there are to be. */
  readonly workers: number;
  readonly ticketKeys: Buffer;
  readonly sessionKey: Buffer;
}

/** The facts of this moment. */
export function workerFacts(parts: Parts, { workers, ticketKeys, sessionKey }: FactsBeside): WorkerFacts {
  const { config, certificates, acme, link, settings, site, trustedProxies, plexHome } = parts;
  const { kind, state, unknownBecause, identity, url } = link.monitor.snapshot;
  const { lanList, routers, isRouter, addresses, serverAddress } = site.view;
  const published = publishedEndpoint(config);
  const alsoOwn = [serverAddress, site.publicAddress, published?.address].filter((address) => address !== undefined);
  return {
    settings,
    plexHome: kind.name === 'plex' ? plexHome.isOn : false,
    trustedProxies,
    site: { lanList, routers, isRouter },
    ownAddresses: [...addresses, ...alsoOwn],
    published,
    server: { kind: kind.name, state, unknownBecause, identity, url },
    reception: receptionSettings(parts),
    // Each counts its own: all of them together must not allow more.
    streamsPerClient: Math.max(1, Math.floor(config.limits.connections_per_client / workers)),
    isExpress: config.listen.express,
    dropsAppHeaders: dropsAppHeaders(config, kind.name),
    isVerbose: config.log.level === 'debug' || config.log.level === 'trace',
    limits: laneLimits(config),
    certificates: certificates.served.map(({ names, contextOptions }) => ({ names, contextOptions })),
    defaultContextOptions: certificates.defaultContextOptions,
    challenges: acme?.challenges.certificates ?? [],
    ticketKeys: ticketKeys.toString('base64'),
    sessionKey: sessionKey.toString('base64'),
  };
}

/** Facts as text: a list of networks becomes what was written in it. */
export function writeFacts(facts: WorkerFacts): string {
  return JSON.stringify(facts, (_key, value: unknown) =>
    value instanceof NetworkList ? { networks: value.entries } : value,
  );
}

/** What `writeFacts` wrote. */
export function readFacts(text: string): WorkerFacts {
  return JSON.parse(text, (_key, value: unknown) => {
    const isList = typeof value === 'object' && value !== null && 'networks' in value;
    return isList ? parseNetworkList(value.networks as string[]).list : value;
  }) as WorkerFacts;
}

/** The media server as the policy sees it. */
export function serverView({ server }: WorkerFacts): ServerView {
  const { kind, identity, ...rest } = server;
  return { ...rest, identity, kind: (kindNamed(kind) ?? KINDS.plex).atBasePath(identity?.basePath ?? '') };
}
