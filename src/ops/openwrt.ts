/** An OpenWrt router's own settings: its DNS leads the gateway's names here, its firewall lets the port in; and what was applied, undone. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import type { StateFolder } from '../lib/state-folder.ts';

const COMMAND_TIMEOUT_MS = 30_000;
/** What was applied, in the state folder: nothing else is ever undone. */
const RECORD = 'openwrt.json';
const DNSMASQ = 'dhcp.@dnsmasq[0]';
const RULE = 'firewall.lockgate';
const LEASE = 'dhcp.lockgate_server';

const execute = promisify(execFile);

/** A name that is not in a zone: always this address. */
export interface RouterName {
  readonly name: string;
  readonly address: string;
}

/** An address that stays that of a device of the LAN. */
export interface RouterLease {
  readonly hardwareAddress: string;
  readonly address: string;
}

export interface RouterSettings {
  readonly zones: readonly string[];
  /** Where the gateway answers DNS: `127.0.0.1#5354`. */
  readonly resolver: string;
  readonly names: readonly RouterName[];
  /** TCP ports that are open to the outside; undefined: as it is. */
  readonly openPorts: readonly number[] | undefined;
  /** The media server's; undefined: as it is. */
  readonly lease: RouterLease | undefined;
}

interface Applied {
  /** What was asked for; lines of others may have been there before. */
  readonly zones: readonly string[];
  readonly resolver: string | undefined;
  readonly servers: readonly string[];
  readonly rebindDomains: readonly string[];
  readonly names: readonly RouterName[];
  readonly openPorts: readonly number[];
  readonly lease?: RouterLease | undefined;
}

const NOTHING: Applied = {
  zones: [],
  resolver: undefined,
  servers: [],
  rebindDomains: [],
  names: [],
  openPorts: [],
  lease: undefined,
};

/** What `apply` was asked for last of the names; no zones when it never was, or was undone. */
export type AppliedNames = Pick<Applied, 'zones' | 'resolver'>;

export function appliedNames(state: StateFolder): AppliedNames {
  try {
    return { ...NOTHING, ...JSON.parse(readFileSync(state.pathOf(RECORD), 'utf8')) };
  } catch {
    return NOTHING;
  }
}

/** uci and the services of a router. */
export class Router {
  readonly #initFolder: string;
  readonly #state: StateFolder;

  /** `initFolder`: where the services' scripts are. */
  constructor(state: StateFolder, initFolder = '/etc/init.d') {
    this.#state = state;
    this.#initFolder = initFolder;
  }

  /** Makes the settings so, takes back what an earlier call applied and is not wanted any more. What changed, a line each. */
  async apply(wanted: RouterSettings): Promise<string[]> {
    const applied = await this.#applied();
    const next: Applied = {
      zones: wanted.zones,
      resolver: wanted.resolver,
      servers: wanted.zones.map((zone) => `/${zone}/${wanted.resolver}`),
      rebindDomains: wanted.zones,
      names: wanted.names,
      openPorts: wanted.openPorts ?? applied.openPorts,
      lease: wanted.lease ?? applied.lease,
    };
    return this.#change(applied, next);
  }

  /** Takes back everything that was applied. What changed, a line each. */
  async undo(): Promise<string[]> {
    return this.#change(await this.#applied(), NOTHING);
  }

  async #change(from: Applied, to: Applied): Promise<string[]> {
    const servers = await this.#changeList('server', from.servers, to.servers);
    const rebindDomains = await this.#changeList('rebind_domain', from.rebindDomains, to.rebindDomains);
    const names = await this.#changeNames(from.names, to.names);
    const lease = await this.#changeLease(from.lease, to.lease);
    const port = await this.#changeRule(from.openPorts, to.openPorts);
    const dns = [...servers.lines, ...rebindDomains.lines, ...names, ...lease.lines];
    const applied = {
      ...to,
      servers: servers.applied,
      rebindDomains: rebindDomains.applied,
      lease: lease.applied,
    };
    await this.#state.write(RECORD, JSON.stringify(applied));
    if (dns.length > 0) await this.#commit('dhcp', 'dnsmasq', 'restart');
    if (port.length > 0) await this.#commit('firewall', 'firewall', 'reload');
    return [...dns, ...port];
  }

  /** Entries that were there before are somebody else's: they are neither added nor recorded, so never taken back. */
  async #changeList(option: string, from: readonly string[], to: readonly string[]) {
    const key = `${DNSMASQ}.${option}`;
    const present = words(await this.#get(key));
    const lines: string[] = [];
    for (const value of from) {
      if (to.includes(value) || !present.includes(value)) continue;
      await this.#uci('del_list', `${key}=${value}`);
      lines.push(`dnsmasq: no longer ${option} ${value}`);
    }
    for (const value of to) {
      if (present.includes(value)) continue;
      await this.#uci('add_list', `${key}=${value}`);
      lines.push(`dnsmasq: ${option} ${value}`);
    }
    const applied = to.filter((value) => from.includes(value) || !present.includes(value));
    return { lines, applied };
  }

  async #changeNames(from: readonly RouterName[], to: readonly RouterName[]): Promise<string[]> {
    const isSame = JSON.stringify(from) === JSON.stringify(to);
    if (isSame && (await this.#get(sectionOf(to.length - 1))) !== undefined) return [];
    if (from.length + to.length === 0) return [];
    for (const index of from.keys()) {
      const section = sectionOf(index);
      if ((await this.#get(section)) !== undefined) await this.#uci('delete', section);
    }
    for (const [index, { name, address }] of to.entries()) {
      const section = sectionOf(index);
      await this.#uci('set', `${section}=domain`);
      await this.#uci('set', `${section}.name=${name}`);
      await this.#uci('set', `${section}.ip=${address}`);
    }
    if (to.length === 0) return ['dnsmasq: the names of the gateway are gone'];
    return to.map(({ name, address }) => `dnsmasq: ${name} is ${address}`);
  }

  /** A device or an address that has a lease of somebody else's keeps that one. */
  async #changeLease(from: RouterLease | undefined, to: RouterLease | undefined) {
    const isOurs = (await this.#get(LEASE)) !== undefined;
    if (to === undefined) {
      if (isOurs) await this.#uci('delete', LEASE);
      return { applied: undefined, lines: isOurs ? [`dhcp: ${from?.address ?? ''} is no longer kept`] : [] };
    }
    if (isOurs && JSON.stringify(from) === JSON.stringify(to)) return { applied: to, lines: [] };
    if (!isOurs && (await this.#hasLease(to))) return { applied: undefined, lines: [] };
    await this.#uci('set', `${LEASE}=host`);
    const host = { name: 'media-server', mac: to.hardwareAddress, ip: to.address };
    for (const [option, value] of Object.entries(host)) await this.#uci('set', `${LEASE}.${option}=${value}`);
    return { applied: to, lines: [`dhcp: ${to.address} stays the address of ${to.hardwareAddress}`] };
  }

  async #hasLease({ hardwareAddress, address }: RouterLease): Promise<boolean> {
    const settings = (await this.#uci('show', 'dhcp')).toLowerCase().split('\n');
    return settings.some((line) => {
      const [, option, value = ''] = /\.(mac|ip)=(.*)$/.exec(line) ?? [];
      return words(value.replaceAll("'", ' ')).includes(option === 'mac' ? hardwareAddress.toLowerCase() : address);
    });
  }

  async #changeRule(from: readonly number[], to: readonly number[]): Promise<string[]> {
    if (to.length === 0 && from.length === 0) return [];
    const ports = to.join(' ');
    const isOpen = (await this.#get(`${RULE}.enabled`)) === '1';
    if (to.length === 0) {
      if (!isOpen) return [];
      await this.#uci('set', `${RULE}.enabled=0`);
      return [`firewall: port ${from.join(' ')} is closed to the outside`];
    }
    if (isOpen && (await this.#get(`${RULE}.dest_port`)) === ports) return [];
    await this.#uci('set', `${RULE}=rule`);
    const rule = { name: 'lockgate', src: 'wan', proto: 'tcp', dest_port: ports, target: 'ACCEPT', enabled: '1' };
    for (const [option, value] of Object.entries(rule)) await this.#uci('set', `${RULE}.${option}=${value}`);
    return [`firewall: port ${ports} is open to the outside`];
  }

  async #applied(): Promise<Applied> {
    const record = await this.#state.readJson(RECORD);
    return typeof record === 'object' ? { ...NOTHING, ...record } : NOTHING;
  }

  async #commit(config: string, service: string, action: string): Promise<void> {
    await this.#uci('commit', config);
    await this.#run(join(this.#initFolder, service), [action]);
  }

  /** Undefined: there is no such option or section. */
  async #get(key: string): Promise<string | undefined> {
    try {
      return await this.#uci('-q', 'get', key);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'usage') throw error;
      return undefined;
    }
  }

  #uci(...args: string[]): Promise<string> {
    return this.#run('uci', args);
  }

  async #run(command: string, args: readonly string[]): Promise<string> {
    try {
      return (await execute(command, [...args], { timeout: COMMAND_TIMEOUT_MS })).stdout.trim();
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') {
        throw new GatewayError('usage', `${command} is not there: this is no OpenWrt router`, {
          hint: '`lockgate snippet` has lines for other resolvers',
          cause,
        });
      }
      throw new GatewayError('permission', `${[command, ...args].join(' ')}: ${messageOf(cause)}`, {
        hint: 'run it as root; changes that were not committed are in `uci changes`',
        cause,
      });
    }
  }
}

/** Named, so that they are found again whatever else is there. */
function sectionOf(index: number): string {
  return `dhcp.lockgate_name${index}`;
}

/** A list as `uci get` prints it. */
function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
