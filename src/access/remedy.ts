/** What an operator would change so that a request is decided otherwise: the line of the configuration, or the next step. */
import type { Decision, Refuse, RuleName } from './decision.ts';
import type { Facts } from './facts.ts';
import { readHost } from './host.ts';
import { isNear } from './standing.ts';

/** The facts, and what would make a masked address tell who it is. */
export interface RemedyInput {
  readonly facts: Facts;
  /** From the client's own finding; undefined: not masked. */
  readonly mend: string | undefined;
  /** The page that sent the request, by `sendingPage`. */
  readonly page: string | undefined;
}

/** The change for a decision; undefined: none would do, or none is needed. */
export function remedyFor(decision: Decision, input: RemedyInput): string | undefined {
  if (decision.action === 'refuse') return REFUSED[decision.rule]?.(input, decision);
  return GRANTED[decision.rule];
}

const GRANTED: Readonly<Partial<Record<RuleName, string>>> = {
  admitted: '[access] require_auth = "everyone" would ask for credentials',
  session: '[access] pin_hash = "" would end PIN sessions',
  'sign-in': '[access] sign_in_networks decides who reaches the sign-in',
  'plain-http': '[listen] secure_connections = "preferred" would serve plain HTTP',
};

type Remedy = (input: RemedyInput, refusal: Refuse) => string | undefined;

const REFUSED: Readonly<Partial<Record<RuleName, Remedy>>> = {
  host: ({ facts }) => addTo('[access] allowed_hosts', hostName(facts)),
  'plain-http': () => '[listen] secure_connections = "preferred"',
  'gateway-page': pageRemedy,
  'claim-guard': claimRemedy,
  outdated: () => 'update the media server ([access] min_server_version = "0" would serve it as it is)',
  throttled: () => 'wait, or run “lockgate reload”',
  unverifiable: () => 'run “lockgate doctor”: it says who cannot be asked',
  invalid: admission,
  origin: ({ page }) => addTo('[access] allowed_origins', page),
  admitted: () => 'run “lockgate login”, or set [server] token',
  session: () => 'run “lockgate login”, or set [server] token',
  default: admission,
};

function addTo(key: string, entry: string | undefined): string | undefined {
  return entry === undefined ? undefined : `${key}: add ${JSON.stringify(entry)}`;
}

function hostName({ host = '' }: Facts): string | undefined {
  return readHost(host)?.name;
}

function claimRemedy({ facts }: RemedyInput): string {
  const { state, isPlex } = facts.server;
  if (state === 'unknown') return 'run “lockgate doctor”';
  return isPlex ? 'run “lockgate setup”' : "finish the media server's own wizard";
}

function pageRemedy({ facts, mend }: RemedyInput, { reason }: Refuse): string | undefined {
  if (reason === 'host') return addTo('[access] allowed_hosts', hostName(facts));
  if (facts.gatewayPath === 'metrics') return mend ?? addTo('[metrics] allow_clients', facts.address);
  if (reason !== 'not-permitted' && reason !== 'no-credentials') return undefined;
  return isNear(facts) ? undefined : (mend ?? addTo('[access] lan_networks', facts.address));
}

/** By network, or for a sign-in call to the sign-in. */
function admission({ facts, mend }: RemedyInput): string | undefined {
  if (mend !== undefined) return mend;
  if (facts.isSignInCall && !facts.isInSignInNetworks) return addTo('[access] sign_in_networks', facts.address);
  const list = facts.isInAllowedNetworks ? undefined : addTo('[access] allowed_networks', facts.address);
  const mode = facts.listIsInForce ? undefined : '[access] require_auth = "unlisted"';
  const needsToken = facts.server.isPlex && facts.serverToken === undefined;
  const token = needsToken
    ? '[server] token, which clients without sign-in get (“lockgate login” makes one)'
    : undefined;
  const parts = [list, mode].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : [...parts, ...(token === undefined ? [] : [token])].join(' and ');
}
