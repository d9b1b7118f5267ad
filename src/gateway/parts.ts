/** Everything that is made from a configuration: built beside what runs, reused where the file says nothing new, swapped as a whole. */
import type { AccessSettings } from '../access/settings.ts';
import type { Config } from '../config/schema.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import type { NetworkList } from '../net/address.ts';
import { type AppliedNames, appliedNames } from '../ops/openwrt.ts';
import { AcmeIssuer } from '../tls/acme/issuer.ts';
import { Authority } from '../tls/authority.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { acmeSettings } from './acme-settings.ts';
import { AddressZones } from './address-zones.ts';
import { makeCertificateStore } from './certificate-sources.ts';
import { PlexHome } from './plex-home.ts';
import { ServerLink } from './server-link.ts';
import { accessSettings, networkList } from './settings.ts';
import { shownCertificate } from './shown-certificate.ts';
import { Site } from './site.ts';

export interface PartsOptions {
  readonly config: Config;
  readonly state: StateFolder;
  readonly log: Log;
  /** The networks of OpenWrt's firewall zone `lan`. */
  readonly openwrtLanNetworks?: string | undefined;
  /** Also vouch for loopback addresses (the demo). */
  readonly vouchForLoopback?: boolean;
  /** False: a look around, which makes no private CA. Default true. */
  readonly mayMakeAuthority?: boolean;
  /** What a reload has put in force: a link may live on with other certificates. Undefined: what was built stays as it is. */
  readonly inForce?: () => Pick<Parts, 'certificates' | 'zones'> | undefined;
}

export interface Parts {
  readonly config: Config;
  readonly site: Site;
  readonly link: ServerLink;
  readonly certificates: CertificateStore;
  /** Undefined: no certificate authority is asked. */
  readonly acme: AcmeIssuer | undefined;
  readonly zones: AddressZones;
  readonly plexHome: PlexHome;
  readonly settings: AccessSettings;
  readonly trustedProxies: NetworkList;
  readonly proxyProtocolFrom: NetworkList;
  readonly dnsClients: NetworkList;
  /** What this router's DNS was told last of the names; undefined: this is no router. */
  readonly routerNames: (() => AppliedNames) | undefined;
}

/**
 * Builds the parts of `options.config`, taking over those of `former` whose configuration is the same. When something cannot be
 * built, what was begun is closed and the error goes up: `former` is untouched.
 */
export async function buildParts(options: PartsOptions, former?: Parts): Promise<Parts> {
  const begun = new Lifecycle();
  try {
    return await build(options, former, begun);
  } catch (error) {
    await begun.close();
    throw error;
  }
}

/** What the media server calls itself: on its public endpoint, else in its settings; undefined: not known. */
export function serverName({ link, plexHome }: Parts): string | undefined {
  return link.monitor.snapshot.identity?.name ?? plexHome.preferences?.friendlyName;
}

/** Closes what `former` has and `current` has not; resolves when nothing of it writes any more. */
export async function closeReplaced(former: Parts, current: Parts | undefined): Promise<void> {
  if (former.site !== current?.site) former.site.close();
  if (former.acme !== current?.acme) await former.acme?.close();
  if (former.certificates !== current?.certificates) former.certificates.close();
  if (former.zones !== current?.zones) former.zones.close();
  if (former.plexHome !== current?.plexHome) former.plexHome.close();
  if (former.link !== current?.link) await former.link.close();
}

async function build(options: PartsOptions, former: Parts | undefined, begun: Lifecycle): Promise<Parts> {
  const { config, state, log } = options;
  const isSame = (...sections: (keyof Config)[]) =>
    former !== undefined && sections.every((name) => isEqual(config[name], former.config[name]));
  const isSameServer =
    isSame('server', 'listen') && config.access.lan_networks.join() === former?.config.access.lan_networks.join();

  // The link and the site need each other: the site begins with the configured URL.
  let link: ServerLink | undefined = isSameServer ? former?.link : undefined;
  let zones: AddressZones | undefined = isSameServer ? former?.zones : undefined;
  const site =
    (isSameServer ? former?.site : undefined) ??
    (await Site.survey({
      lanSetting: config.access.lan_networks,
      serverUrl: () => link?.monitor.snapshot.url ?? (config.server.url === 'auto' ? undefined : config.server.url),
      openwrtLanNetworks: options.openwrtLanNetworks,
    }));
  if (site !== former?.site) begun.add(() => site.close());

  let certificates: CertificateStore | undefined =
    isSameServer && isSame('certificate', 'acme') ? former?.certificates : undefined;
  if (link === undefined) {
    const made = new ServerLink({
      kind: config.server.kind,
      url: config.server.url,
      id: config.server.id,
      state,
      log,
      site: () => site.view,
      ownPorts: () => config.listen.port,
      choices: former?.link.monitor.choices ?? [],
      provesItself: async ({ url }) => {
        const shown = await shownCertificate(url);
        const present = options.inForce?.() ?? { certificates, zones };
        const held = present.certificates?.facts().filter(({ source }) => source === 'server') ?? [];
        const known = [...held, ...(present.zones?.shown === undefined ? [] : [present.zones.shown])];
        return shown !== undefined && known.some(({ fingerprint }) => fingerprint === shown.fingerprint);
      },
    });
    begun.add(() => made.close());
    await made.moves.load();
    link = made;
  }
  const { monitor } = link;
  if (zones === undefined) {
    const made = new AddressZones(monitor);
    begun.add(() => made.close());
    zones = made;
  }
  const knownZones = zones;
  if (certificates === undefined) {
    certificates = makeCertificateStore({
      config,
      state,
      log,
      machineId: () => monitor.snapshot.identity?.id ?? (config.server.id === '' ? undefined : config.server.id),
      knownZone: () => knownZones.ofServer,
      addresses: () => (options.vouchForLoopback === true ? [...site.view.addresses] : site.lanAddresses),
      usesAuthority: options.mayMakeAuthority !== false || (await hasAuthority(state)),
    });
    const made = certificates;
    begun.add(() => made.close());
    await certificates.start();
  }
  const acme = isSame('certificate', 'acme', 'listen', 'remote') ? former?.acme : await loadIssuer(options);
  const settings = await accessSettings(config, site.view.lan.networks);
  const plexHome = new PlexHome({
    config,
    monitor,
    token: settings.serverToken,
    state,
    former: former?.plexHome,
  });
  begun.add(() => plexHome.close());
  await plexHome.start();
  return {
    config,
    site,
    link,
    certificates,
    acme,
    zones,
    plexHome,
    settings,
    trustedProxies: networkList(config.access.trusted_proxies, site.view.lan.networks),
    dnsClients: networkList(config.dns.allow_clients, site.view.lan.networks),
    proxyProtocolFrom: networkList(config.listen.proxy_protocol_from, site.view.lan.networks),
    routerNames: options.openwrtLanNetworks === undefined ? undefined : () => appliedNames(state),
  };
}

/** Undefined: no certificate authority is asked. It does nothing yet but read what is kept. */
async function loadIssuer({ config, state, log }: PartsOptions): Promise<AcmeIssuer | undefined> {
  const settings = acmeSettings(config);
  if (settings === undefined) return undefined;
  const issuer = new AcmeIssuer({ settings, state, log });
  await issuer.load();
  return issuer;
}

/** One that is damaged is there too. */
async function hasAuthority(state: StateFolder): Promise<boolean> {
  return Authority.existing(state).then(
    (authority) => authority !== undefined,
    () => true,
  );
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
