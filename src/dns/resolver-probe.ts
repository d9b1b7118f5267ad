/** Asks one resolver about a name of the own zone and says in a word what became of the answer. */
import { messageOf } from '../lib/errors.ts';
import { readAnswer } from './message.ts';
import { wireNameOf } from './name.ts';
import { buildQuery } from './query.ts';
import type { Upstream } from './upstream.ts';
import { RCODE, TYPE } from './wire.ts';

const PROBE_TIMEOUT_MS = 2000;
const CLASS_CHAOS = 3;

/** The name that is asked for, and what it may lead to. */
export interface Sample {
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  /** What the gateway answers. */
  readonly expected: string;
  /** The address that the name spells. */
  readonly literal: string;
  /** A name of the same zone that spells a public address: nobody filters it. */
  readonly control: string;
}

/**
 * `expected`: as the gateway answers. `literal`: the address in the name, past the gateway. `filtered`: public addresses of the zone pass,
 * private ones do not. `empty`: no addresses at all. `other`: an address that is neither. `denied`: NXDOMAIN. `error`: another RCODE.
 * `silent`: no answer.
 */
export type ProbeOutcome = 'expected' | 'literal' | 'filtered' | 'empty' | 'other' | 'denied' | 'error' | 'silent';

export interface ProbeResult {
  readonly outcome: ProbeOutcome;
  /** What came back, for the evidence. */
  readonly detail: string;
  /** What the resolver says it is (`version.bind`), when it does. */
  readonly software: string | undefined;
}

export async function probe(resolver: Upstream, sample: Sample): Promise<ProbeResult> {
  const found = await lookUp(resolver, sample.name, sample.type);
  if ('problem' in found) return { outcome: 'silent', detail: found.problem, software: undefined };
  const software = await softwareOf(resolver);
  const detail = found.addresses.length === 0 ? rcodeText(found.rcode) : found.addresses.join(', ');
  if (found.addresses.includes(sample.expected)) return { outcome: 'expected', detail, software };
  if (found.addresses.includes(sample.literal)) return { outcome: 'literal', detail, software };
  if (found.addresses.length > 0) return { outcome: 'other', detail, software };
  if (found.rcode === RCODE.NXDOMAIN) return { outcome: 'denied', detail, software };
  if (found.rcode !== RCODE.NOERROR) return { outcome: 'error', detail, software };
  const control = await lookUp(resolver, sample.control, 'A');
  const passesPublic = 'addresses' in control && control.addresses.length > 0;
  return { outcome: passesPublic ? 'filtered' : 'empty', detail, software };
}

type Found = { readonly rcode: number; readonly addresses: readonly string[] } | { readonly problem: string };

async function lookUp(resolver: Upstream, name: string, type: 'A' | 'AAAA'): Promise<Found> {
  const wireName = wireNameOf(name);
  if (wireName === undefined) return { problem: `${name} is not a name` };
  try {
    const answer = readAnswer(await resolver.ask(buildQuery({ name: wireName, type: TYPE[type] }), PROBE_TIMEOUT_MS));
    return answer ?? { problem: 'an answer that cannot be read' };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

async function softwareOf(resolver: Upstream): Promise<string | undefined> {
  const name = wireNameOf('version.bind') ?? '';
  try {
    const query = buildQuery({ name, type: TYPE.TXT, class: CLASS_CHAOS });
    const text = readAnswer(await resolver.ask(query, PROBE_TIMEOUT_MS))?.texts[0];
    return text?.replace(/[^ -~]/g, '').slice(0, 60);
  } catch {
    return undefined;
  }
}

const RCODE_TEXTS = ['no address', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

function rcodeText(rcode: number): string {
  return RCODE_TEXTS[rcode] ?? `RCODE ${rcode}`;
}
