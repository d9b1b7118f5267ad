/** The check of the names: whether they are answered, where each zone leads, and why. */
import { type Steering, steeringSentence } from '../dns/steering.ts';
import type { Check } from '../ops/check.ts';

/** The DNS side as far as it is known. */
export interface DnsStanding {
  readonly zones: readonly Steering[];
  /** False: it is on and does not run. Undefined: not known, because the running gateway was not asked. */
  readonly isRunning: boolean | undefined;
}

/**
 * On an OpenWrt router: whether its own DNS was told to lead the zones here (`applied`: those that it was told of last). No check on any
 * other machine, while DNS is off, and while no zone is known.
 */
export function routerCheck(
  standing: DnsStanding | undefined,
  applied: readonly string[] | undefined,
): Check | undefined {
  if (standing === undefined || standing.zones.length === 0 || applied === undefined) return undefined;
  const missing = standing.zones.map(({ zone }) => zone).filter((zone) => !applied.includes(zone));
  if (missing.length === 0) {
    return { name: 'router', verdict: 'ok', evidence: "this router's DNS leads the names here", remedy: '' };
  }
  const evidence = `this router's DNS does not lead ${missing.join(', ')} here yet`;
  return { name: 'router', verdict: 'warning', evidence, remedy: 'run as root: lockgate openwrt apply' };
}

/** `standing` undefined: DNS is off. No check either while no zone is known. */
export function dnsCheck(standing: DnsStanding | undefined): Check | undefined {
  if (standing === undefined || standing.zones.length === 0) return undefined;
  if (standing.isRunning === false) {
    const evidence = 'names are not answered: another program has the address in [dns] listen';
    return { name: 'dns', verdict: 'warning', evidence, remedy: 'choose another one, for example 127.0.0.1:5355' };
  }
  return { name: 'dns', verdict: 'ok', evidence: standing.zones.map(steeringSentence).join('; '), remedy: '' };
}
