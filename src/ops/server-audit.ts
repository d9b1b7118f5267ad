/** Audits the media server's own settings: what in them goes past the gateway, or keeps apps from finding it. Pure. */
import { addressFromLabel, parseNetworkList } from '../net/address.ts';
import type { PlexPreferences } from '../tls/plex-preferences.ts';
import type { Check, CheckVerdict } from './check.ts';

export interface AuditFacts {
  readonly preferences: PlexPreferences;
  /** The addresses under which the server sees the gateway. */
  readonly gatewayAddresses: readonly string[];
  /** The ports on which the gateway accepts connections. */
  readonly gatewayPorts: readonly number[];
  /** `map_port`; 0: none. */
  readonly mapPort: number;
  /** The gateway's own list lets clients in. */
  readonly listIsInForce: boolean;
  readonly hasList: boolean;
}

const SETTINGS = 'in the server: Settings > Network';

/** One check for each thing that can be wrong; nothing for what is right and goes without saying. */
export function auditServer(facts: AuditFacts): Check[] {
  const checks = [customUrls(facts), outsidePort(facts), ownList(facts), ownTls(facts), relay(facts), home(facts)];
  return checks.filter((check) => check !== undefined);
}

function check(name: string, verdict: CheckVerdict, evidence: string, remedy: string): Check {
  return { name, verdict, evidence, remedy };
}

/** URLs that the server tells apps: each must name a port, and lead here. */
function customUrls({ preferences, gatewayAddresses, gatewayPorts }: AuditFacts): Check | undefined {
  const urls = (preferences.customConnections ?? '').split(',').flatMap((text) => text.trim() || []);
  const field = `${SETTINGS} > Custom server access URLs`;
  for (const text of urls) {
    if (!URL.canParse(text))
      return check('custom urls', 'fault', `${JSON.stringify(text)} is not a URL`, `mend it ${field}`);
    const port = /^[a-z]+:\/\/(?:\[[^\]]*\]|[^:/]*):(\d+)/i.exec(text)?.[1];
    if (port === undefined) {
      const evidence = `${text} names no port, so apps try 443`;
      return check('custom urls', 'fault', evidence, `${field}: add :${gatewayPorts[0] ?? 32443}`);
    }
    const label = new URL(text).hostname.split('.')[0] ?? '';
    const isHere = gatewayAddresses.includes(addressFromLabel(label) ?? '');
    if (isHere && !gatewayPorts.includes(Number(port))) {
      const evidence = `${text} leads to this host, but the gateway has port ${gatewayPorts.join(', ')}`;
      return check('custom urls', 'fault', evidence, `${field}: change the port to ${gatewayPorts[0]}`);
    }
  }
  return undefined;
}

/** The port that the server publishes for the outside must be the one that leads to the gateway. */
function outsidePort({ preferences, mapPort }: AuditFacts): Check | undefined {
  if (mapPort === 0) return undefined;
  const { isManualPortMapping, manualPort } = preferences;
  const remedy = `in the server: Settings > Remote Access > Manually specify public port: ${mapPort}`;
  if (isManualPortMapping !== true) {
    const evidence = `the server chooses its public port itself, and may open it on the router past the gateway; apps are not told ${mapPort}`;
    return check('outside port', 'fault', evidence, remedy);
  }
  if (manualPort === mapPort) return check('outside port', 'ok', `apps are told port ${mapPort}, which is mapped`, '');
  const evidence = `apps are told port ${manualPort ?? 32400}, but ${mapPort} is mapped`;
  return check('outside port', 'fault', evidence, `${remedy}, or set [remote] map_port = ${manualPort ?? 32400}`);
}

/** Whom the server lets in without credentials: never the gateway, or its word proves nothing. */
function ownList({ preferences, gatewayAddresses }: AuditFacts): Check | undefined {
  const written = preferences.allowedNetworks;
  if (written === undefined) return undefined;
  const field = `${SETTINGS} > List of IP addresses and networks that are allowed without auth`;
  const { list } = parseNetworkList(written.split(',').map((entry) => entry.trim()));
  const gateway = gatewayAddresses.find((address) => list.contains(address));
  if (gateway !== undefined) {
    const evidence = `the server lets ${gateway} in without credentials (${written}): that is the gateway, and everybody behind it`;
    return check(
      'server list',
      'fault',
      evidence,
      `${field}: take it out; lists belong into [access] allowed_networks`,
    );
  }
  const spaces = /\s/.test(written) ? '; it has spaces, which the server does not understand' : '';
  const evidence = `the server has a list of its own (${written}) for whoever reaches it past the gateway${spaces}`;
  return check('server list', 'warning', evidence, `${field}: empty it; the gateway's is [access] allowed_networks`);
}

function ownTls({ preferences }: AuditFacts): Check | undefined {
  if (preferences.secureConnections !== 'disabled') return undefined;
  const evidence =
    'secure connections are disabled in the server: apps are told no secure names, and it gets no certificate';
  return check('server tls', 'fault', evidence, `${SETTINGS} > Secure connections: Preferred`);
}

/** On unless it was switched off, and of use only to a server that is signed in. */
function relay({ preferences }: AuditFacts): Check | undefined {
  if (preferences.isRelayEnabled === false || !preferences.isSignedIn) return undefined;
  const evidence = 'the relay is on: apps that find no way in go through the vendor, slowly and past the gateway';
  return check('relay', 'warning', evidence, `${SETTINGS} > Enable Relay: off`);
}

/** A list lets people in as one account: the profiles and PINs of a Home do not apply to them. */
function home({ preferences, listIsInForce, hasList }: AuditFacts): Check | undefined {
  if (preferences.isPlexHome !== true) return undefined;
  if (hasList && listIsInForce) {
    const evidence =
      "Plex Home is on, but the gateway's list is in force: its clients choose no profile and meet no PIN";
    return check('home', 'warning', evidence, 'set [access] require_auth = "auto", or "everyone"');
  }
  if (preferences.allowedNetworks === undefined) return undefined;
  const evidence = "Plex Home is on, but the server's own list lets clients in without a profile or PIN";
  return check(
    'home',
    'warning',
    evidence,
    `${SETTINGS} > List of IP addresses and networks that are allowed without auth: empty it`,
  );
}
