/** Turns the configuration into the options of the features: words become networks, files become secrets, empty becomes absent. */
import { readFile } from 'node:fs/promises';
import type { AccessSettings } from '../access/settings.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_LIMITS, type FullLaneLimits } from '../http/limits.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { type NetworkList, parseNetworkList } from '../net/address.ts';
import { LOOPBACK_NETWORKS } from '../net/lan.ts';
import type { Parts } from './parts.ts';
import type { ReceptionSettings } from './reception.ts';

const MAX_TOKEN_LENGTH = 4096;

/** The access settings of a configuration, for the LAN as it is now. Throws `config` when `token_file` cannot be read. */
export async function accessSettings(config: Config, lanNetworks: readonly string[]): Promise<AccessSettings> {
  const { access, limits, listen, metrics } = config;
  const networks = (entries: readonly string[]) => networkList(entries, lanNetworks);
  return {
    requireTls: listen.secure_connections === 'required',
    requireAuth: access.require_auth,
    requireClaimed: access.require_claimed,
    allowedNetworks: networks(access.allowed_networks),
    signInNetworks: networks(access.sign_in_networks.filter((entry) => entry !== 'any')),
    signInFromAnywhere: access.sign_in_networks.includes('any'),
    metricsClients: networks(metrics.allow_clients),
    allowedHosts: access.allowed_hosts,
    allowedOrigins: access.allowed_origins,
    minServerVersion: access.min_server_version,
    serverToken: await serverToken(config),
    pinHash: access.pin_hash === '' ? undefined : access.pin_hash,
    sessionLifetimeMs: access.session_lifetime,
    authFailures: limits.auth_failures,
    authWindowMs: limits.auth_window,
  };
}

/** A list whose entries the schema has checked, with the words `lan` and `loopback` filled in. */
export function networkList(entries: readonly string[], lanNetworks: readonly string[]): NetworkList {
  const words = { lan: lanNetworks, loopback: LOOPBACK_NETWORKS };
  const { list, errors } = parseNetworkList(entries, words);
  const [first] = errors;
  if (first !== undefined) throw new GatewayError('config', `${JSON.stringify(first.entry)}: ${first.message}`);
  return list;
}

/** `server.token`, or what its file holds; undefined: none. */
export async function serverToken({ server }: Config): Promise<string | undefined> {
  if (server.token !== '') return server.token;
  if (server.token_file === '') return undefined;
  try {
    const token = (await readFile(server.token_file, 'utf8')).trim();
    return token === '' || token.length > MAX_TOKEN_LENGTH ? undefined : token;
  } catch (cause) {
    throw new GatewayError('config', `server.token_file: cannot be read: ${messageOf(cause)}`, {
      hint: 'write it with `lockgate login`, and let the user that runs lockgate read it',
      cause,
    });
  }
}

/** The bounds of the proxy lanes. */
export function laneLimits({ limits }: Config): FullLaneLimits {
  return { ...DEFAULT_LIMITS, headerBytes: limits.header_bytes, firstByteTimeoutMs: limits.upstream_first_byte };
}

/** How connections are received. */
export function receptionSettings({
  config,
  proxyProtocolFrom,
}: Pick<Parts, 'config' | 'proxyProtocolFrom'>): ReceptionSettings {
  const { secure_connections, http2 } = config.listen;
  return { proxyProtocolFrom, acceptsTls: secure_connections !== 'disabled', offersHttp2: http2 };
}
