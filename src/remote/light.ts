/** Remote access as one light and one sentence. Pure. */
import type { RemoteView } from './view.ts';

/** `green`: clients from outside come in. `yellow`: nothing is known to bar the way, nothing proves it open. `red`: it is barred. */
export type RemoteLight = 'green' | 'yellow' | 'red' | 'unknown';

export interface RemoteStanding {
  readonly light: RemoteLight;
  /** One sentence without a full stop. */
  readonly reason: string;
  /** Empty: nothing is to be done. */
  readonly remedy: string;
}

/** So fresh a proof outweighs everything that speaks against it. */
const FRESH_SECONDS = 24 * 60 * 60;
/** So long a proof counts while nothing speaks against it. */
const LASTING_SECONDS = 30 * 24 * 60 * 60;

const TRY_IT = 'try it from a phone with Wi-Fi off, then look again';

export function remoteStanding(view: RemoteView): RemoteStanding {
  const { reached, nat, mapping, waysOut } = view;
  const seconds = reached?.secondsAgo ?? Number.POSITIVE_INFINITY;
  if (seconds <= FRESH_SECONDS) return { light: 'green', reason: cameIn(view), remedy: '' };
  if (nat.situation === 'carrier-nat' || nat.situation === 'double-nat') {
    return { light: 'red', reason: nat.evidence, remedy: waysOut[0] ?? '' };
  }
  if (nat.situation === 'other-address') return { light: 'yellow', reason: nat.evidence, remedy: waysOut[0] ?? '' };
  if (seconds <= LASTING_SECONDS) return { light: 'green', reason: cameIn(view), remedy: '' };
  if (mapping.state === 'refused') return { light: 'red', reason: mapping.reason, remedy: mapping.remedy };
  return unproven(view);
}

/** Nothing bars the way, as far as is known. */
function unproven(view: RemoteView): RemoteStanding {
  const { mapping, nat, outsidePort } = view;
  if (mapping.state === 'open') {
    const reason = `port ${outsidePort} is open on the router (${mapping.protocol}), but nobody has come in from outside yet`;
    return { light: 'yellow', reason, remedy: TRY_IT };
  }
  if (mapping.state === 'silent') {
    const reason = 'the router opens no ports by itself, and nobody has come in from outside yet';
    return { light: 'yellow', reason, remedy: byHand(view) };
  }
  if (mapping.state === 'searching') return { light: 'unknown', reason: 'the router is being asked', remedy: '' };
  if (nat.situation === 'one-nat') {
    const reason = `port ${outsidePort} is not mapped by the gateway, and nobody has come in from outside yet`;
    return { light: 'yellow', reason, remedy: byHand(view) };
  }
  if (nat.situation === 'no-nat') {
    const reason = 'this host has the public address itself, and nobody has come in from outside yet';
    const remedy = mapping.state === 'off' && mapping.remedy !== '' ? mapping.remedy : TRY_IT;
    return { light: 'yellow', reason, remedy };
  }
  const off = whyNotChecked(view);
  if (off !== undefined) return { light: 'unknown', reason: off, remedy: '' };
  return { light: 'unknown', reason: `not determined: ${nat.evidence}`, remedy: remedyForUnknown(view) };
}

/** Neither the router nor anybody outside was asked, as the file has it, or not yet. */
function whyNotChecked({ wan, publicAddress, mapping }: RemoteView): string | undefined {
  const isAsItShouldBe = publicAddress.state === 'unknown' && publicAddress.remedy === '';
  if (!isAsItShouldBe || wan !== undefined || mapping.state !== 'off' || mapping.remedy !== '') return undefined;
  return `not checked (${publicAddress.because}), and nobody has come in from outside yet`;
}

function remedyForUnknown({ publicAddress, mapping, wan }: RemoteView): string {
  if (wan !== undefined && publicAddress.state === 'unknown') return publicAddress.remedy;
  return mapping.state === 'off' ? mapping.remedy : '';
}

function byHand({ outsidePort, inside }: RemoteView): string {
  const target = inside === undefined ? 'this host' : `${inside.address} port ${inside.port}`;
  const automatic = `or set [remote] map_port = ${outsidePort}`;
  return `forward TCP port ${outsidePort} in the router to ${target}, ${automatic}; ${TRY_IT}`;
}

function cameIn({ reached }: RemoteView): string {
  const { address = '', secondsAgo = 0 } = reached ?? {};
  return `${address} came in from outside ${age(secondsAgo)} ago`;
}

function age(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
