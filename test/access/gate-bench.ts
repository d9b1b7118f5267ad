/** A gate in front of a Plex stand-in, with everything around it that a test may want to change. */
import { createGate, type Gate, type GateOptions } from '../../src/access/gate.ts';
import type { ClientView } from '../../src/access/request-facts.ts';
import type { ServerView } from '../../src/access/server-facts.ts';
import type { AccessSettings } from '../../src/access/settings.ts';
import type { StateFolder } from '../../src/lib/state-folder.ts';
import { parseNetworkList } from '../../src/net/address.ts';
import { createAsk } from '../../src/server/ask.ts';
import { plex } from '../../src/server/plex.ts';
import { claimPlexServer } from '../../src/server/plex-claim.ts';
import { MACHINE_IDENTIFIER, type PlexOptions, type PlexStandIn, startPlex } from '../support/plex.ts';
import { temporaryState } from './folder.ts';

/** `4711` under parameters that take no time. */
export const PIN_HASH = '$scrypt$ln=1,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$X1nu+xPVLE/sxWENdwOI2J/8G9dZOmgiEfD9kgKAGXo';
export const ZONE = 'hash.plex.direct';

export const CLAIMED: ServerView = {
  kind: plex,
  state: 'claimed',
  unknownBecause: undefined,
  identity: { id: MACHINE_IDENTIFIER, name: 'Stand-in', version: '1.43.4', claimed: true, basePath: '' },
};
export const UNKNOWN: ServerView = { ...CLAIMED, state: 'unknown', unknownBecause: 'down' };

export interface GateBench {
  readonly gate: Gate;
  readonly server: PlexStandIn;
  readonly state: StateFolder;
  readonly clock: { monotonic: number; wall: number };
  readonly settings: AccessSettings;
  /** What the monitor says; may be replaced. */
  view: ServerView;
  /** What becomes known when somebody waits for it; undefined: nothing. */
  nextView: ServerView | undefined;
  /** How often somebody waited. */
  waits: number;
  plexHome: boolean | undefined;
  /** Messages of the level warn with their fields. */
  readonly warnings: { readonly fields: Readonly<Record<string, unknown>>; readonly message: string }[];
}

export const networks = (text: string) => parseNetworkList(text).list;

const LOOPBACK = networks('127.0.0.0/8');
const HOME = networks('192.168.1.0/24');

/** 192.168.1.0/24 is the LAN, 192.168.1.20 is listed, 172.17.0.1 hides others. */
function clientAt(address: string, isTls: boolean): ClientView {
  if (address === '172.17.0.1')
    return { address, place: 'masked', isTls, mend: '[access] trusted_proxies: add "172.17.0.1"' };
  if (LOOPBACK.contains(address)) return { address, place: 'loopback', isTls };
  return { address, place: HOME.contains(address) ? 'lan' : 'outside', isTls };
}

const SETTINGS: AccessSettings = {
  requireTls: false,
  requireAuth: 'auto',
  requireClaimed: true,
  allowedNetworks: networks('192.168.1.20'),
  signInNetworks: networks('192.168.1.0/24'),
  signInFromAnywhere: false,
  metricsClients: networks('127.0.0.0/8'),
  allowedHosts: [],
  allowedOrigins: [],
  minServerVersion: 'auto',
  serverToken: 'operators-token',
  pinHash: PIN_HASH,
  sessionLifetimeMs: 60 * 60_000,
  authFailures: 3,
  authWindowMs: 5 * 60_000,
};

/** Runs a test with a gate; takes everything down afterwards. */
export async function withGate(
  test: (bench: GateBench) => Promise<void>,
  changes: { settings?: Partial<AccessSettings>; server?: PlexOptions; options?: Partial<GateOptions> } = {},
): Promise<void> {
  const server = await startPlex(changes.server);
  const { state, remove } = await temporaryState();
  const clock = { monotonic: 1_000_000, wall: 1_800_000_000_000 };
  const settings = { ...SETTINGS, ...changes.settings };
  const ask = createAsk({ baseUrl: server.url, verifyCertificate: false });
  const bench: Omit<GateBench, 'gate'> & { gate?: Gate } = {
    server,
    state,
    clock,
    settings,
    view: CLAIMED,
    nextView: undefined,
    waits: 0,
    plexHome: undefined,
    warnings: [],
  };
  const gate = await createGate({
    settings,
    state,
    log: { debug() {}, info() {}, error() {}, warn: (fields, message) => bench.warnings.push({ fields, message }) },
    clientOf: (_head, peer) => clientAt(peer.address, peer.tls),
    server: {
      view: () => bench.view,
      waitUntilKnown: async () => {
        bench.waits++;
        bench.view = bench.nextView ?? bench.view;
      },
      verify: (credential) => plex.verify(ask, credential),
      confirmClaimed: async () => server.claimed,
      claim: async (code) => {
        const { result } = await claimPlexServer(ask, code);
        return result === 'malformed' ? 'rejected' : result;
      },
    },
    plexHome: () => bench.plexHome,
    machineName: 'nas',
    names: {
      covers: (name) => name.endsWith(`.${ZONE}`),
      zones: () => [ZONE],
      published: undefined,
      isOwnAddress: (address) => address === '192.168.1.10',
    },
    setupPageUrl: () => 'http://192.168.1.10:32400/.lockgate/setup',
    monotonicNow: () => clock.monotonic,
    wallNow: () => clock.wall,
    ...changes.options,
  });
  try {
    await test(Object.assign(bench, { gate }));
  } finally {
    await gate.close();
    await server.close();
    await remove();
  }
}
