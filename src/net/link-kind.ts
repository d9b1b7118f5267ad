/** What kind of link an interface is, as /sys and /proc tell (Linux; elsewhere every interface is an ordinary one). */
import { existsSync, readlinkSync } from 'node:fs';
import { readSystemFile } from './system-file.ts';

/** Link types of <linux/if_arp.h>: PPP, raw IP (modems), IPIP, IPv6 tunnel, SIT, GRE, GRE over IPv6, none (tun, WireGuard). */
const TUNNEL_LINK_TYPES = new Set(['512', '519', '768', '769', '776', '778', '823', '65534']);
const TUNNEL_DEVICE_TYPES = new Set(['wireguard', 'ppp', 'wwan', 'vxlan', 'geneve', 'l2tpeth']);
const ETHERNET_LINK_TYPE = '1';

/** A VPN, PPP, modem or other link whose far end is not the neighbourhood; tun and tap (OpenVPN, Tailscale, ZeroTier) have `tun_flags`. */
export function isTunnel(interfaceName: string): boolean {
  if (existsSync(fileOf(interfaceName, 'tun_flags'))) return true;
  return TUNNEL_LINK_TYPES.has(linkType(interfaceName)) || TUNNEL_DEVICE_TYPES.has(deviceType(interfaceName));
}

/** The names that engines give to their bridges. A router's own `br-lan` is a bridge too, and is none of them. */
const ENGINE_BRIDGE = /^(docker|podman|cni|virbr|lxcbr|lxdbr|incusbr|hassio|br-[0-9a-f]{12}$)/;

/** A bridge for containers or virtual machines or, inside a container, the link to one. */
export function isContainerBridge(interfaceName: string): boolean {
  if (deviceType(interfaceName) === 'bridge') return ENGINE_BRIDGE.test(interfaceName);
  return isVirtualEthernet(interfaceName) && isInContainer();
}

/** An Ethernet link with no hardware behind it and no type of its own: one end of a veth pair. Macvlan has a type: it is on the real LAN. */
function isVirtualEthernet(interfaceName: string): boolean {
  if (linkType(interfaceName) !== ETHERNET_LINK_TYPE || deviceType(interfaceName) !== '') return false;
  return !existsSync(fileOf(interfaceName, 'device'));
}

/** Engines mount files of their own over these, from a folder named after the container. */
const ENGINE_MOUNT = /\/(containers|sandboxes)\/[0-9a-f]{64}\/\S* \/etc\/(hostname|hosts|resolv\.conf) /;

function isInContainer(): boolean {
  return ENGINE_MOUNT.test(readSystemFile('/proc/self/mountinfo')) && sharesNetworkOfFirstProcess();
}

/** False in a network namespace that somebody made inside the container: its links are theirs, not the engine's. */
function sharesNetworkOfFirstProcess(): boolean {
  try {
    return readlinkSync('/proc/1/ns/net') === readlinkSync('/proc/self/ns/net');
  } catch {
    return true; // another user's first process: the usual case is one namespace for all
  }
}

function deviceType(interfaceName: string): string {
  return readSystemFile(fileOf(interfaceName, 'uevent')).match(/^DEVTYPE=(.+)$/m)?.[1] ?? '';
}

function linkType(interfaceName: string): string {
  return readSystemFile(fileOf(interfaceName, 'type')).trim();
}

function fileOf(interfaceName: string, name: string): string {
  return `/sys/class/net/${interfaceName}/${name}`;
}
