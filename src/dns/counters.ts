/** What the DNS side has done since it started, for `status` and the metrics. */

export interface DnsCounters {
  /** Answers sent, of every kind. */
  answered: number;
  /** Questions of the own zones whose name spells an address that is neither ours nor public. */
  refusedAsRebinding: number;
  /** Upstream answers withheld because they lead into the private network. */
  withheldAsRebinding: number;
  /** Questions sent on to an upstream. */
  forwarded: number;
  cacheHits: number;
  /** Answers given past their time because no upstream answered. */
  stale: number;
  /** Upstream attempts that ended without an answer. */
  timeouts: number;
  /** Questions answered with REFUSED: foreign names without upstreams, and askers outside `allow_clients`. */
  refused: number;
  /** Messages that are no proper question, answered with FORMERR, NOTIMP or BADVERS. */
  malformed: number;
  /** Messages that got no answer: fragments, answers, port 0, too many connections. */
  dropped: number;
  /** Questions over an asker's rate, not answered. */
  rateLimited: number;
}

export function newCounters(): DnsCounters {
  return {
    answered: 0,
    refusedAsRebinding: 0,
    withheldAsRebinding: 0,
    forwarded: 0,
    cacheHits: 0,
    stale: 0,
    timeouts: 0,
    refused: 0,
    malformed: 0,
    dropped: 0,
    rateLimited: 0,
  };
}
