/** What the automatic values of a configuration stand for, here and now: one entry per key, as `check` shows them. */
import { type ListStanding, reasonInWords } from '../access/networks.ts';
import type { Config } from '../config/schema.ts';
import { steeringSentence } from '../dns/steering.ts';
import { dnsFacts } from './dns-facts.ts';
import type { Parts } from './parts.ts';
import type { Situation } from './situation.ts';

/** `section.key` and its meaning, in the order of the file. `stateDir`: where the gateway keeps what it remembers. */
export function automaticValues(situation: Situation, parts: Parts, stateDir: string): [string, string][] {
  const { config, lan, list } = situation;
  return [
    ...serverValues(situation, parts),
    ['listen', config.listen.port.map((port) => `port ${port} on ${config.listen.addresses.join(', ')}`).join('; ')],
    ['certificate.source', certificateValue(situation)],
    ...acmeValues(situation),
    ['access.require_auth', requireAuthValue(config, list)],
    ['access.lan_networks', `${lan.networks.join(', ') || 'none'} (${lan.reason})`],
    ['access.min_server_version', minimumVersionValue(situation)],
    ...dnsValues(situation, parts),
    ['remote.public_address', publicAddressValue(config)],
    ['log.format', config.log.format === 'auto' ? 'text on a terminal, else json' : config.log.format],
    ['state.dir', stateDir],
  ];
}

function serverValues({ config, server }: Situation, { plexHome }: Parts): [string, string][] {
  const { kind, url, identity, state, detail } = server;
  const isKnown = state !== 'unknown' || !kind.hasIdentity;
  if (!isKnown) return [['server.url', detail ?? 'not found']];
  const name = identity?.name ?? plexHome.preferences?.friendlyName;
  const title = `${kind.title}${name === undefined ? '' : ` "${name}"`}`;
  const values: [string, string][] = [
    ['server.kind', kind.name],
    ['server.url', `${url} (${title}, ${kind.hasIdentity ? state : 'no claim state'})`],
  ];
  if (kind.hasIdentity) values.push(['server.id', identity?.id ?? 'not known']);
  if (kind.name !== 'plex') return values;
  const isBare = config.server.bare_streams === 'auto' || config.server.bare_streams;
  return [
    ...values,
    ['server.data_dir', plexHome.dataFolder ?? 'none: not on this machine, or not in one of the usual places'],
    ['server.bare_streams', String(isBare)],
  ];
}

function certificateValue({ certificates, certificateProblems }: Situation): string {
  const all = certificates.map(({ source, names, addresses }) => `${source}: ${[...names, ...addresses].join(', ')}`);
  return all.join('; ') || (certificateProblems.at(-1)?.sentence ?? 'none');
}

function acmeValues({ acme }: Situation): [string, string][] {
  if (acme === undefined) return [];
  const needs = acme.needs.length === 0 ? 'proven with dns-01: no port has to lead here' : acme.needs.join('; or ');
  return [['acme', `${acme.names.join(', ')} from ${new URL(acme.directory).host}: ${needs}`]];
}

function requireAuthValue({ access }: Config, list: ListStanding): string {
  const mode = list.isInForce ? 'unlisted' : 'everyone';
  const reason = access.require_auth === 'auto' ? reasonInWords(list) : 'as the file says';
  if (access.allowed_networks.length === 0) return `${mode} (${reason}); allowed_networks is empty: everybody signs in`;
  const listed = access.allowed_networks.join(', ');
  const consequence = list.isInForce
    ? `${listed} need not sign in`
    : `allowed_networks is ignored: ${listed} sign in too`;
  return `${mode} (${reason}): ${consequence}`;
}

function minimumVersionValue({ config, server }: Situation): string {
  const { min_server_version: wanted } = config.access;
  if (wanted === '0') return 'off';
  if (wanted !== 'auto') return `${wanted}, for clients from outside`;
  const minimum = server.kind.minimumSafeVersion;
  return minimum === undefined
    ? `no version of ${server.kind.title} is known to be vulnerable`
    : `${minimum}, for clients from outside`;
}

function dnsValues({ config, dns }: Situation, parts: Parts): [string, string][] {
  if (dns === undefined) return [['dns', 'off']];
  const facts = dnsFacts(() => parts);
  const names = [...dns.zones.map(({ zone }) => zone), ...facts.exactNames()];
  return [
    ['dns.zones', names.join(', ') || 'none is known yet'],
    ['dns.answer', dns.zones.map(steeringSentence).join('; ') || config.dns.answer],
    ['dns.gateway_addresses', facts.gatewayAddresses().join(', ') || 'none: this host has no address on a LAN'],
  ];
}

function publicAddressValue({ remote }: Config): string {
  if (remote.public_address === 'auto') return 'found out while the gateway runs: lockgate status';
  return remote.public_address;
}
