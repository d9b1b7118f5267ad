/** What a decision says beside its verdict: the way out, who may read it, when to come back, what happens to the session cookie. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decide } from '../../src/access/policy.ts';
import {
  type FactChanges,
  factsWith,
  IDENTITY,
  MASKED,
  OUTSIDE,
  PLAIN,
  PREFLIGHT,
  UNKNOWN,
  WRITE,
} from './plain-facts.ts';

const details = suite('details of decisions');

details('a refusal names the key to set for a foreign Host, and quotes no more than a piece of it', () => {
  const decision = decide(factsWith({ hostIsForeign: true, host: `${'a'.repeat(4000)}"\n` }));
  assert.ok('detail' in decision);
  assert.match(decision.detail, 'allowed_hosts');
  assert.ok(decision.detail.length < 300);
  assert.not.match(decision.detail, '\n');
});

details('a refusal carries the origin that may read it', () => {
  const decision = decide(factsWith({ corsOrigin: 'https://app.plex.tv' }));
  assert.is('corsOrigin' in decision && decision.corsOrigin, 'https://app.plex.tv');
  assert.not('corsOrigin' in decide(factsWith()));
});

details('answers from here, and redirects, carry it too', () => {
  for (const changes of [{ ...PREFLIGHT, ...UNKNOWN }, { ...IDENTITY, ...UNKNOWN }, PLAIN]) {
    const decision = decide(factsWith(changes, { corsOrigin: 'null' }));
    assert.is('corsOrigin' in decision && decision.corsOrigin, 'null');
  }
});

details('throttled and starting say when to come back', () => {
  const throttled = decide(factsWith({ credentials: 'unverified', throttledForSeconds: 42 }));
  assert.is('retryAfterSeconds' in throttled && throttled.retryAfterSeconds, 42);
  const starting = decide(factsWith(UNKNOWN));
  assert.ok('retryAfterSeconds' in starting && (starting.retryAfterSeconds ?? 0) > 0);
});

details('a person on the LAN is offered the PIN page, others are not', () => {
  const offers = (...changes: FactChanges[]) => {
    const decision = decide(factsWith({ wantsHtml: true }, ...changes));
    return 'offerSignIn' in decision && decision.offerSignIn === true;
  };
  assert.ok(offers());
  assert.ok(offers({ place: 'loopback' }));
  assert.not(offers({ hasPin: false }));
  assert.not(offers({ wantsHtml: false }));
  assert.not(offers(OUTSIDE));
  assert.not(offers(MASKED));
  assert.not(offers(WRITE));
});

details('the session cookie goes, also where the client’s credentials stay', () => {
  const kept = decide(factsWith({ credentials: 'valid', hasSessionCookie: true }));
  assert.equal(kept, { rule: 'valid', action: 'forward', credentials: 'keep', dropSessionCookie: true });
  assert.equal(decide(factsWith({ credentials: 'valid' })), { rule: 'valid', action: 'forward', credentials: 'keep' });
});

details.run();
