/** The check of the names: whether they are answered, where each zone leads, and why. */
import { type Steering, steeringSentence } from '../dns/steering.ts';
import type { Check } from '../ops/check.ts';
import type { AppliedNames } from '../ops/openwrt.ts';

/** The DNS side as far as it is known. */
export interface DnsStanding {
  readonly zones: readonly Steering[];
  /** False: it is on and does not run. Undefined: not known, because the running gateway was not asked. */
  readonly isRunning: boolean | undefined;
}

/** An OpenWrt router whose own DNS leads the names here. */
export interface RouterStanding {
  /** What it was told last. */
  readonly applied: AppliedNames;
  /** Where it has to ask now: `127.0.0.1#5354`. */
  readonly resolver: string;
}

/** Whether the router was told of all zones, and where the gateway answers. No check on any other machine, while DNS is off, and while no zone is known. */
export function routerCheck(standing: DnsStanding | undefined, router: RouterStanding | undefined): Check | undefined {
  if (standing === undefined || standing.zones.length === 0 || router === undefined) return undefined;
  const { applied, resolver } = router;
  const missing = standing.zones.map(({ zone }) => zone).filter((zone) => !applied.zones.includes(zone));
  if (missing.length > 0) return applyIsDue(`this router's DNS does not lead ${missing.join(', ')} here yet`);
  if (applied.resolver !== resolver) {
    return applyIsDue(
      `this router's DNS asks at ${applied.resolver ?? 'another address'}, and the gateway answers at ${resolver}`,
    );
  }
  return { name: 'router', verdict: 'ok', evidence: "this router's DNS leads the names here", remedy: '' };
}

function applyIsDue(evidence: string): Check {
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
