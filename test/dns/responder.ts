/** A responder without sockets, for tests in which the asker's address matters: loopback sockets cannot have any other. */
import { ClientTable } from '../../src/dns/client.ts';
import { newCounters } from '../../src/dns/counters.ts';
import type { AnswerMode } from '../../src/dns/facts.ts';
import { LOCAL_ANSWER_BYTES, Responder, type Transport } from '../../src/dns/responder.ts';
import { SiteSource } from '../../src/dns/site.ts';
import { silentLog } from '../../src/lib/log.ts';
import { factsOf, type SiteValues, siteValues } from './site.ts';

export interface BareResponder {
  readonly counters: ReturnType<typeof newCounters>;
  /** The answer's bytes, or undefined for silence. */
  ask(message: Buffer, asker?: string, transport?: Transport): Buffer | undefined;
}

export function bareResponder(
  changes: {
    values?: Partial<SiteValues>;
    answer?: AnswerMode;
    questionsPerSecond?: number;
    allows?: (address: string) => boolean;
  } = {},
): BareResponder {
  const counters = newCounters();
  const responder = new Responder({
    sites: new SiteSource(factsOf(siteValues(changes.values)), changes.answer ?? 'gateway'),
    clients: new ClientTable({
      allowsClient: changes.allows ?? (() => true),
      questionsPerSecond: changes.questionsPerSecond ?? 1_000_000,
    }),
    forwarder: undefined,
    counters,
    log: silentLog,
  });
  const out = Buffer.alloc(LOCAL_ANSWER_BYTES);
  return {
    counters,
    ask(message, asker = '127.0.0.1', transport = 'udp') {
      const length = responder.respond(message, asker, transport, out);
      if (typeof length !== 'number') throw new Error('there is no upstream to wait for');
      return length === 0 ? undefined : Buffer.from(out.subarray(0, length));
    },
  };
}
