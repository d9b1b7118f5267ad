/** Reads one entry of a network list as users of media servers write them, and says what is wrong in their terms. */
import { isIP, isIPv4 } from 'node:net';

/** An entry that is well formed: an address literal and, unless it stands alone, the length of its prefix. */
export interface NetworkEntry {
  readonly address: string;
  readonly prefixLength: number | undefined;
}
export interface EntryProblem {
  readonly problem: string;
}

/** Reads `address`, `address/prefix length` or `IPv4/dotted mask`. Host bits are not judged here. */
export function readNetworkEntry(entry: string): NetworkEntry | EntryProblem {
  if (/\s/.test(entry)) return { problem: 'holds a space; put a comma between two entries' };
  const slash = entry.indexOf('/');
  const address = slash < 0 ? entry : entry.slice(0, slash);
  if (address.includes('%')) return { problem: `names an interface; write ${address.split('%')[0]}` };
  if (isIP(address) === 0) return { problem: problemOfAddress(address) };
  if (slash < 0) return { address, prefixLength: undefined };
  return readPrefix(address, entry.slice(slash + 1));
}

function readPrefix(address: string, text: string): NetworkEntry | EntryProblem {
  if (isIPv4(text)) return readMask(address, text);
  const longest = isIPv4(address) ? 32 : 128;
  if (!/^(0|[1-9]\d*)$/.test(text)) {
    return { problem: `has ${JSON.stringify(text)} behind the slash; write a number of bits from 0 to ${longest}` };
  }
  const prefixLength = Number(text);
  if (prefixLength > longest) return { problem: `has a prefix of ${text} bits; the longest is ${longest}` };
  return { address, prefixLength };
}

function readMask(address: string, mask: string): NetworkEntry | EntryProblem {
  if (!isIPv4(address)) return { problem: 'has a dotted mask behind an IPv6 address; write a number of bits' };
  const bits = mask
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
  if (/^1*0*$/.test(bits)) return { address, prefixLength: bits.indexOf('0') < 0 ? 32 : bits.indexOf('0') };
  if (/^0+1+$/.test(bits)) return { problem: `has the inverse mask ${mask}; write /${bits.indexOf('1')}` };
  return { problem: `has the mask ${mask}, which has a gap; write a mask such as 255.255.255.0` };
}

function problemOfAddress(text: string): string {
  if (text === '') return 'has no address before the slash';
  if (text.includes('[')) return 'has brackets; write the IPv6 address alone';
  if (text.includes('*')) return 'has an asterisk; write the network, for example 192.168.1.0/24';
  const beforePort = text.match(/^([\d.]+):\d+$/)?.[1];
  if (beforePort !== undefined && isIPv4(beforePort)) return `has a port; write ${beforePort}`;
  if (/^[\d.]+-[\d.]+$/.test(text)) return 'is a range; write a network, for example 192.168.1.0/24';
  if (/^[\d.]+$/.test(text) || /^0x/i.test(text)) return problemOfNumbers(text);
  if (text.includes(':')) return 'is not an IPv6 address';
  if (text.includes('.')) return 'is a name; names are not looked up, write the address';
  return 'is not an address';
}

function problemOfNumbers(text: string): string {
  const example = 'write four decimal numbers from 0 to 255, for example 192.168.1.10';
  if (/0x/i.test(text)) return `has hexadecimal numbers; ${example}`;
  const decimals = text.split('.');
  if (decimals.length !== 4 || decimals.includes('')) return `is not a full IPv4 address; ${example}`;
  if (decimals.some((part) => /^0\d/.test(part)))
    return `has leading zeros, which some programs read as octal; ${example}`;
  return `has a number above 255; ${example}`;
}
