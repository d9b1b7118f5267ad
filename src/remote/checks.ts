/** The checks of remote access for `doctor`, `status` and the status page. Pure. */
import type { Check } from '../ops/check.ts';
import { type RemoteLight, remoteStanding } from './light.ts';
import type { PortView, RemoteView } from './view.ts';

/** One entry per check, the light first. */
export function remoteChecks(view: RemoteView): Check[] {
  return [remoteAccess(view), nat(view), port('port mapping', view.mapping), port('ipv6 port', view.pinhole)].filter(
    (check) => check !== undefined,
  );
}

const VERDICTS = { green: 'ok', yellow: 'warning', red: 'fault', unknown: 'unknown' } as const satisfies Readonly<
  Record<RemoteLight, Check['verdict']>
>;

/** Nobody need be reachable from outside: what bars the way is a warning until a port was asked for. */
function remoteAccess(view: RemoteView): Check {
  const { light, reason, remedy } = remoteStanding(view);
  const isWanted = view.mapping.state !== 'off';
  const verdict = light === 'red' && !isWanted ? 'warning' : VERDICTS[light];
  return { name: 'remote access', verdict, evidence: reason, remedy };
}

function nat({ nat: { situation, evidence }, waysOut, publicAddress }: RemoteView): Check | undefined {
  const name = 'nat';
  switch (situation) {
    case 'one-nat':
    case 'no-nat':
      return { name, verdict: 'ok', evidence: `${TITLES[situation]}: ${evidence}`, remedy: '' };
    case 'not-determined':
      if (publicAddress.state === 'unknown' && publicAddress.remedy === '') return undefined;
      return { name, verdict: 'unknown', evidence: `not determined: ${evidence}`, remedy: '' };
    default:
      return { name, verdict: 'warning', evidence: `${TITLES[situation]}: ${evidence}`, remedy: numbered(waysOut) };
  }
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
