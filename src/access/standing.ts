/** Where a request stands before any rule: how near the client is, whether it is let in, whether the media server may be asked at all. */
import type { CredentialState, Facts } from './facts.ts';

/** On the LAN or on this machine, and known to be. */
export function isNear(facts: Facts): boolean {
  return facts.place === 'lan' || facts.place === 'loopback';
}

/** Let in because of its network: listed, the list in force, no valid credentials of its own, a Host of ours. */
export function isLetInByNetwork(facts: Facts): boolean {
  return facts.listIsInForce && facts.isInAllowedNetworks && mayBeLetIn(facts);
}

/** Let in because of a PIN session: the same, with a good cookie and from near. */
export function isLetInBySession(facts: Facts): boolean {
  return isNear(facts) && facts.hasValidSession && mayBeLetIn(facts);
}

export function isLetIn(facts: Facts): boolean {
  return isLetInByNetwork(facts) || isLetInBySession(facts);
}

function mayBeLetIn(facts: Facts): boolean {
  return credentialsOf(facts) !== 'valid' && !facts.hostIsForeign;
}

/** An unclaimed server that is served on the operator's word: it would take any credentials for good, so they count for nothing. */
export function isServedUnclaimed(facts: Facts): boolean {
  const { isPlex, state } = facts.server;
  return !facts.requireClaimed && isPlex && (state === 'unclaimed' || state === 'signed-out');
}

/** The credentials that count. */
export function credentialsOf(facts: Facts): CredentialState {
  return isServedUnclaimed(facts) ? 'none' : facts.credentials;
}

/** Nothing may reach the media server: it is not known to be claimed (and not served all the same, to clients that are near). */
export function isClosed(facts: Facts): boolean {
  if (!facts.server.hasIdentity || facts.server.state === 'claimed') return false;
  return !(isServedUnclaimed(facts) && isNear(facts));
}

/** The server is known to be vulnerable and the client is not near. */
export function isTooOld(facts: Facts): boolean {
  return facts.server.isOutdated && !isNear(facts);
}

/** Somebody tries to sign in at the server itself, without being somebody already. */
export function isSignInAttempt(facts: Facts): boolean {
  if (facts.method === 'GET' || facts.method === 'HEAD') return false;
  return facts.isSignInCall && facts.credentials !== 'valid';
}
