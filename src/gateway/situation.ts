/** What is so at one moment, and the checks that judge it: shared by `status`, `doctor` and the status page. One entry per check. */
import type { Gate } from '../access/gate.ts';
import { type ListStanding, reasonInWords } from '../access/networks.ts';
import { serverFacts } from '../access/server-facts.ts';
import type { Config } from '../config/schema.ts';
import { isPrivateScope } from '../net/address.ts';
import type { LanNetworks } from '../net/lan.ts';
import type { Check, CheckVerdict } from '../ops/check.ts';
import type { ServerSnapshot } from '../server/monitor.ts';
import { nameOf } from '../server/server-state.ts';
import type { AcmeView } from '../tls/acme/issuer.ts';
import type { CertificateFacts, CertificateProblem } from '../tls/certificate-facts.ts';
import type { PlexPreferences } from '../tls/plex-preferences.ts';
import { acmeCheck } from './acme-check.ts';
import { howAppsCome } from './app-route.ts';
import { type DnsStanding, dnsCheck, type RouterStanding, routerCheck } from './dns-check.ts';
import { dnsSteering, routerStanding } from './dns-facts.ts';
import { moveCheck } from './move-check.ts';
import type { Parts } from './parts.ts';
import { serverCertificateCheck } from './server-certificate.ts';
import type { ServerMove } from './server-moves.ts';
import type { ShownCertificate } from './shown-certificate.ts';

export interface Situation {
  readonly config: Config;
  readonly server: ServerSnapshot;
  /** The server's version is known to be vulnerable. */
  readonly isOutdated: boolean;
  /** Whether the server refused made-up credentials from this host; undefined: not known. */
  readonly serverIsStrict: boolean | undefined;
  readonly serverAddress: string | undefined;
  /** What the server tells apps beside its own addresses (Custom server access URLs); undefined: its settings cannot be read. */
  readonly toldUrls: readonly string[] | undefined;
  /** It has, or seems to have, another address than before. */
  readonly move: ServerMove | undefined;
  readonly certificates: readonly CertificateFacts[];
  readonly certificateProblems: readonly CertificateProblem[];
  /** Undefined: no certificate authority is asked. */
  readonly acme: AcmeView | undefined;
  /** The certificate that the server itself showed last. */
  readonly shownByServer: ShownCertificate | undefined;
  /** The server's own settings; undefined: they cannot be read from here. */
  readonly serverSettings: PlexPreferences | undefined;
  readonly lan: LanNetworks;
  /** This host's own addresses, LAN first. */
  readonly ownAddresses: readonly string[];
  /** `address:port` of every open listener; undefined: no gateway is running. */
  readonly listeners: readonly string[] | undefined;
  readonly list: ListStanding;
  /** Peers at home whose address does not say who is behind it. */
  readonly maskedPeers: Gate['maskedPeers'];
  /** Undefined: DNS is off. */
  readonly dns: DnsStanding | undefined;
  /** Undefined: this is no router. */
  readonly router: RouterStanding | undefined;
}

/** The situation as the parts know it now. `listeners` and `isDnsRunning`: of the running gateway, undefined when there is none. */
export function situationOf(
  parts: Parts,
  gate: Gate,
  listeners: readonly string[] | undefined,
  isDnsRunning?: boolean,
): Situation {
  const { config, link, certificates, site, settings, zones, plexHome } = parts;
  const server = link.monitor.snapshot;
  return {
    config,
    server,
    isOutdated: serverFacts(server, settings.minServerVersion).isOutdated,
    serverIsStrict: gate.serverIsStrict,
    serverAddress: site.view.serverAddress,
    toldUrls: parts.plexHome.preferences && urlsIn(parts.plexHome.preferences.customConnections),
    move: link.moves.last,
    certificates: certificates.facts(),
    certificateProblems: certificates.problems(),
    acme: parts.acme?.view,
    shownByServer: zones.shown,
    serverSettings: plexHome.preferences,
    lan: site.view.lan,
    ownAddresses: site.lanAddresses,
    listeners,
    list: gate.list,
    maskedPeers: gate.maskedPeers.filter(({ address }) => isPrivateScope(address)),
    dns: config.dns.enabled ? { zones: dnsSteering(parts), isRunning: isDnsRunning } : undefined,
    router: routerStanding(parts),
  };
}

function urlsIn(list = ''): string[] {
  return list.split(',').flatMap((text) => text.trim() || []);
}

type SituationCheck = (situation: Situation) => Check | undefined;

const SITUATION_CHECKS: readonly SituationCheck[] = [
  listening,
  serverReachable,
  ({ move }) => moveCheck(move),
  serverClaimed,
  serverVersion,
  serverStrictness,
  certificate,
  ({ acme, listeners }) => acmeCheck(acme, listeners !== undefined),
  serverCertificate,
  appRoute,
  ({ dns }) => dnsCheck(dns),
  ({ dns, router }) => routerCheck(dns, router),
  lanNetworks,
  maskedAddresses,
  allowedList,
  secureConnections,
  oldTls,
];

/** All checks that need nothing but the situation, in the order in which they are shown. */
export function judge(situation: Situation): Check[] {
  return SITUATION_CHECKS.map((check) => check(situation)).filter((check) => check !== undefined);
}

function verdict(name: string, value: CheckVerdict, evidence: string, remedy = ''): Check {
  return { name, verdict: value, evidence, remedy };
}

function listening({ listeners, config }: Situation): Check {
  const ports = config.listen.port.join(', ');
  if (listeners === undefined) return verdict('gateway', 'warning', 'not running', 'start it: lockgate run');
  if (listeners.length === 0) return verdict('gateway', 'fault', `nothing listens on port ${ports}`, 'read the log');
  return verdict('gateway', 'ok', `listens on ${listeners.join(', ')}`);
}

function serverReachable({ server, config, move }: Situation): Check {
  const { kind, url, state, identity, detail, candidates } = server;
  if (candidates.length > 1) {
    const list = candidates.map((found) => `${JSON.stringify(nameOf(found))} at ${found.url}`).join('; ');
    const first = candidates[0]?.url ?? '';
    return verdict(
      'server',
      'fault',
      `several were found: ${list}`,
      `name yours in the file: [server] url = "${first}"`,
    );
  }
  if (kind.hasIdentity && state === 'unknown') {
    const remedy =
      config.server.url === 'auto'
        ? 'start the media server, or name it in the file: [server] url'
        : `see that the media server runs at ${config.server.url}`;
    // The check of a server that moved says what to do about both.
    return verdict('server', 'fault', detail ?? 'it does not answer', move === undefined ? remedy : '');
  }
  const name = identity?.name === undefined ? '' : ` "${identity.name}"`;
  const version = identity?.version === undefined ? '' : `, version ${identity.version}`;
  return verdict('server', 'ok', `${kind.title}${name} at ${url}${version}`);
}

function serverClaimed({ server, config }: Situation): Check | undefined {
  const { kind, state, detail } = server;
  if (!kind.hasIdentity || state === 'unknown') return undefined;
  if (state === 'claimed') return verdict('claimed', 'ok', kind.name === 'plex' ? 'yes' : 'set up');
  const remedy = kind.name === 'plex' ? 'run lockgate setup' : "finish the media server's wizard at its own address";
  const evidence = detail ?? state;
  if (!config.access.require_claimed) {
    return verdict(
      'claimed',
      'warning',
      `${evidence}, and it is served all the same (require_claimed = false)`,
      remedy,
    );
  }
  return verdict('claimed', 'fault', `${evidence}; nothing reaches it`, remedy);
}

function serverVersion({ isOutdated, server }: Situation): Check | undefined {
  if (!isOutdated) return undefined;
  const evidence = `${server.identity?.version ?? ''} has known holes; it is not served to clients from outside`;
  return verdict('version', 'warning', evidence, 'update the media server');
}

function serverStrictness({ serverIsStrict }: Situation): Check | undefined {
  if (serverIsStrict !== false) return undefined;
  const evidence = 'the server accepts made-up credentials from this host, so its word proves nothing';
  const remedy = "remove this host from the server's own list of networks that are allowed without auth";
  return verdict('bypass', 'fault', evidence, remedy);
}

function certificate({ certificates, certificateProblems }: Situation): Check {
  const shown = certificates.map(
    ({ names, addresses, daysLeft }) => `${names[0] ?? addresses[0] ?? '?'}, ${daysLeft} days left`,
  );
  const problem = certificateProblems.find(({ severity }) => severity === 'fault') ?? certificateProblems[0];
  if (problem === undefined) return verdict('certificate', 'ok', shown.join('; '));
  const isOfOneInUse = certificates.some(({ problems }) =>
    problems.some(({ sentence }) => sentence === problem.sentence),
  );
  const inUse = isOfOneInUse || shown.length === 0 ? '' : `; in use: ${shown.join('; ')}`;
  return verdict('certificate', problem.severity, problem.sentence + inUse, problem.remedy);
}

function serverCertificate({ shownByServer, certificates, serverSettings }: Situation): Check | undefined {
  return serverCertificateCheck({ shown: shownByServer, certificates, settings: serverSettings });
}

function appRoute(situation: Situation): Check | undefined {
  const route = howAppsCome(situation);
  return route === undefined
    ? undefined
    : verdict('apps', route.isComplete ? 'ok' : 'warning', route.how, route.remedy);
}

function lanNetworks({ lan }: Situation): Check {
  if (lan.networks.length > 0) return verdict('lan', 'ok', `${lan.networks.join(', ')} (${lan.reason})`);
  return verdict('lan', 'warning', lan.reason, 'list your networks: [access] lan_networks = "192.168.1.0/24"');
}

/** Outsiders can make themselves masked by a header; only peers of this site are worth a word. */
function maskedAddresses({ maskedPeers }: Situation): Check | undefined {
  const [first] = maskedPeers;
  if (first === undefined) return undefined;
  const addresses = maskedPeers.map(({ address }) => address).join(', ');
  const evidence = `${addresses} stands for others, who therefore count as outside`;
  return verdict('masked addresses', 'warning', evidence, first.mend);
}

function allowedList({ config, list }: Situation): Check | undefined {
  if (config.access.allowed_networks.length === 0) return undefined;
  const networks = config.access.allowed_networks.join(', ');
  if (!list.isInForce) {
    const remedy = 'set [access] require_auth = "unlisted" to use the list all the same';
    return verdict('allowed_networks', 'warning', `ignored, because ${reasonInWords(list)}`, remedy);
  }
  const doubt = list.because === 'home-unknown' ? ', without knowing whether Plex Home is on' : '';
  return verdict('allowed_networks', 'ok', `in force${doubt}: ${networks}`);
}

function secureConnections({ config }: Situation): Check | undefined {
  if (config.listen.secure_connections !== 'disabled') return undefined;
  return verdict(
    'secure_connections',
    'warning',
    'disabled: tokens and films cross the network in the clear',
    'set it to "preferred"',
  );
}

function oldTls({ config }: Situation): Check | undefined {
  if (config.certificate.profile !== 'legacy') return undefined;
  const evidence =
    'the profile is "legacy": TLS 1.0, TLS 1.1, CBC ciphers and RSA key exchange are accepted, for devices from before about 2014';
  return verdict('old TLS', 'warning', evidence, 'once no such device is left: [certificate] profile = "modern"');
}
