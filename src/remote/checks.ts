/** The checks of remote access for `doctor`, `status` and the status page. Pure. */
import { addressScope } from '../net/address.ts';
import type { Check } from '../ops/check.ts';
import { type RemoteLight, type RemoteStanding, remoteStanding } from './light.ts';
import { OTHER_SOURCE } from './public-address.ts';
import type { PortView, RemoteView } from './view.ts';

/** One entry per check, the light first. Where clients come in all the same, what would bar others is no warning. */
export function remoteChecks(view: RemoteView): Check[] {
  const standing = remoteStanding(view);
  const isProven = standing.light === 'green';
  const mapping = isProven && view.mapping.state === 'off' ? undefined : port('port mapping', view.mapping);
  const isSilent = view.mapping.state === 'silent' && view.pinhole.state === 'silent';
  const pinhole = isSilent ? undefined : port('ipv6 port', view.pinhole);
  const checks = [remoteAccess(view, standing), nat(view, isProven), mapping, pinhole];
  return checks.filter((check) => check !== undefined);
}

const VERDICTS = { green: 'ok', yellow: 'warning', red: 'fault', unknown: 'unknown' } as const satisfies Readonly<
  Record<RemoteLight, Check['verdict']>
>;

/** Nobody need be reachable from outside: what bars the way is a warning until a port was asked for. */
function remoteAccess({ mapping }: RemoteView, { light, reason, remedy }: RemoteStanding): Check {
  // With a remedy, the port was asked for and cannot be had from here.
  const isWanted = mapping.state !== 'off' || mapping.remedy !== '';
  const verdict = light === 'red' && !isWanted ? 'warning' : VERDICTS[light];
  return { name: 'remote access', verdict, evidence: reason, remedy };
}

function nat(
  { nat: { situation, evidence }, waysOut, wan, publicAddress }: RemoteView,
  isProven: boolean,
): Check | undefined {
  const name = 'nat';
  if (situation === 'not-determined') {
    if (publicAddress.state === 'unknown' && publicAddress.remedy === '') return undefined;
    const remedy = publicAddress.state === 'known' ? remedyForUndetermined(wan?.address, publicAddress.address) : '';
    return { name, verdict: 'unknown', evidence: `not determined: ${evidence}`, remedy };
  }
  const told = `${TITLES[situation]}: ${evidence}`;
  if (isProven || situation === 'one-nat' || situation === 'no-nat') {
    return { name, verdict: 'ok', evidence: told, remedy: '' };
  }
  return { name, verdict: 'warning', evidence: told, remedy: numbered(waysOut) };
}

function remedyForUndetermined(wanAddress: string | undefined, publicAddress: string): string {
  if (wanAddress !== undefined) return addressScope(wanAddress) === 'public' ? OTHER_SOURCE : '';
  return `look at the status page of the router: if its outside (WAN) address is ${publicAddress}, there is one NAT, else another one in front`;
}

const TITLES = {
  'no-nat': 'no NAT',
  'one-nat': 'one NAT',
  'double-nat': 'double NAT',
  'carrier-nat': 'carrier NAT',
  'other-address': 'two public addresses',
} as const;

function numbered(ways: readonly string[]): string {
  return `one of these, best first: ${ways.map((way, index) => `(${index + 1}) ${way}`).join('; ')}`;
}

function port(name: string, view: PortView): Check | undefined {
  switch (view.state) {
    case 'off':
      return view.remedy === '' ? undefined : { name, verdict: 'warning', evidence: view.because, remedy: view.remedy };
    case 'searching':
      return { name, verdict: 'unknown', evidence: 'the router is being asked', remedy: '' };
    case 'silent':
      return {
        name,
        verdict: 'warning',
        evidence: 'the router answers neither PCP, NAT-PMP nor UPnP',
        remedy: TURN_ON,
      };
    case 'refused':
      return { name, verdict: 'warning', evidence: `${view.reason} (${view.protocol})`, remedy: view.remedy };
    case 'open':
      return { name, verdict: 'ok', evidence: openSentence(view), remedy: '' };
  }
}

const TURN_ON = 'allow port mapping (UPnP, NAT-PMP) in the router, or forward the port there by hand';

function openSentence({ protocol, mapping }: Extract<PortView, { state: 'open' }>): string {
  const { externalAddress = 'the outside address', externalPort, internalPort, leaseSeconds, isOurs } = mapping;
  const outside = externalAddress.includes(':')
    ? `[${externalAddress}]:${externalPort}`
    : `${externalAddress}:${externalPort}`;
  if (!isOurs) return `${outside} leads to port ${internalPort} here, as set up in the router (${protocol})`;
  const lease = leaseSeconds === 0 ? 'until it is removed' : `renewed every ${Math.round(leaseSeconds / 120)} min`;
  return `${outside} leads to port ${internalPort} here (${protocol}, ${lease})`;
}
