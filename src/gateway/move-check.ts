/** The check of a media server whose address changed: what happened, and how to make the address stay. */
import { existsSync } from 'node:fs';
import { day } from '../lib/words.ts';
import { canonicalAddress } from '../net/address.ts';
import { hardwareAddressOf } from '../net/neighbours.ts';
import type { Check } from '../ops/check.ts';
import { hostOf, type ServerMove } from './server-moves.ts';

/** Every OpenWrt has it. */
export const OPENWRT_MARK = '/etc/openwrt_release';
const HARDWARE_ADDRESS_PLACEHOLDER = 'AA:BB:CC:DD:EE:FF';

/** Undefined: it did not move. */
export function moveCheck(move: ServerMove | undefined, isOpenWrt = existsSync(OPENWRT_MARK)): Check | undefined {
  if (move === undefined) return undefined;
  const { from, to, at, isFollowed } = move;
  const name = 'server address';
  if (isFollowed) {
    const evidence = `it moved from ${hostOf(from)} to ${hostOf(to)} on ${day(at)}, and was followed because it showed its known certificate`;
    return { name, verdict: 'warning', evidence, remedy: reservation(hostOf(to), isOpenWrt) };
  }
  const evidence = `it is expected at ${from}, but seems to answer at ${to} now, which is not followed`;
  const follow = `if that is yours, set [server] url = "${to}"`;
  return { name, verdict: 'fault', evidence, remedy: `${follow}, and ${reservation(hostOf(to), isOpenWrt)}` };
}

/** How to make the router give the address to the machine that has it now, always. */
function reservation(address: string, isOpenWrt: boolean): string {
  if (canonicalAddress(address) === undefined) return `give ${address} a fixed address`;
  const hardwareAddress = hardwareAddressOf(address);
  if (isOpenWrt) return `reserve the address here: ${openwrtLines(address, hardwareAddress).join('; ')}`;
  const whose = hardwareAddress === undefined ? '' : ` (hardware address ${hardwareAddress})`;
  return `reserve ${address} for it${whose} in the DHCP settings of the router`;
}

/** Commands for a shell on the router. */
function openwrtLines(address: string, hardwareAddress: string | undefined): string[] {
  return [
    'uci add dhcp host',
    "uci set dhcp.@host[-1].name='media-server'",
    `uci set dhcp.@host[-1].mac='${hardwareAddress ?? HARDWARE_ADDRESS_PLACEHOLDER}'`,
    `uci set dhcp.@host[-1].ip='${address}'`,
    'uci commit dhcp',
    '/etc/init.d/dnsmasq restart',
  ];
}
