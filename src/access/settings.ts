/** What the gate is told by the configuration, and the form in which requests are compared with it. */
import type { NetworkList } from '../net/address.ts';
import type { RequireAuth } from './networks.ts';
import { serializeOrigin } from './origin.ts';
import type { FactSettings } from './request-facts.ts';

export interface AccessSettings {
  /** `secure_connections = "required"`. */
  readonly requireTls: boolean;
  readonly requireAuth: RequireAuth;
  readonly requireClaimed: boolean;
  readonly allowedNetworks: NetworkList;
  readonly signInNetworks: NetworkList;
  /** `sign_in_networks` holds the word "any". */
  readonly signInFromAnywhere: boolean;
  readonly metricsClients: NetworkList;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** `auto`, `0` (off), or a version. */
  readonly minServerVersion: string;
  /** What clients that are let in get as their credential; plex only. */
  readonly serverToken: string | undefined;
  readonly pinHash: string | undefined;
  readonly sessionLifetimeMs: number;
  /** Distinct failures that a client may have within the window. */
  readonly authFailures: number;
  readonly authWindowMs: number;
}

/** The settings as facts are taken from them. */
export function factSettings(settings: AccessSettings): FactSettings {
  const origins = settings.allowedOrigins.map(serializeOrigin).filter((origin) => origin !== undefined);
  return { ...settings, allowedOrigins: new Set(origins), hasPin: settings.pinHash !== undefined };
}
