/** Whether this machine's processor computes AES in hardware: most do, but not those of many routers and small boards. */
import { readFileSync } from 'node:fs';

/** `flags` on x86, `Features` on ARM: a list of words, one of them `aes`. Other processors have other lists, without that word. */
const AES_FEATURE = /^(?:flags|Features)\s*:(?:.*\s)?aes(?:\s|$)/m;

/** Judges the text of /proc/cpuinfo. */
export function namesAes(cpuinfo: string): boolean {
  return AES_FEATURE.test(cpuinfo);
}

/** True where it cannot be found out: then the usual order of ciphers holds. */
export function hasAesInstructions(): boolean {
  try {
    return namesAes(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    return true;
  }
}
