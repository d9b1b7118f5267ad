/** The issuer over its years: renewal by advice and by age, rate limits, restarts, clocks that are wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AcmeProblem } from '../../../src/tls/acme/problem.ts';
import { renewalId } from '../../../src/tls/acme/renewal-info.ts';
import { whileIssuing } from './issuing.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

const isIssued = ({ notAfter }: { notAfter: number | undefined }) => notAfter !== undefined;
const hasFailed = ({ lastError }: { lastError: unknown }) => lastError !== undefined;

test('without advice a certificate is renewed with a third of its lifetime left, whatever that is', async () => {
  for (const days of [6, 90]) {
    await whileIssuing(async ({ authority, restart, until }) => {
      authority.days = days;
      await restart();
      const { notAfter = 0, nextAttemptAt } = await until(isIssued);
      const left = (notAfter - nextAttemptAt) / (days * DAY_MS);
      assert.ok(left >= 0.33 && left <= 0.37, `${left} of ${days} days`);
    });
  }
});

test('advice on renewal is followed: a moment in the window, and the order says what it replaces', () =>
  whileIssuing(async ({ authority, restart, until, store }) => {
    const start = Date.now() + 10 * DAY_MS;
    const window = { start: new Date(start).toISOString(), end: new Date(start + DAY_MS).toISOString() };
    authority.advice = { suggestedWindow: window };
    await restart();
    await until(({ nextAttemptAt }) => nextAttemptAt >= start && nextAttemptAt <= start + DAY_MS);
    const first = (await store.readCertificate())?.chain.leaf;

    authority.advice = { suggestedWindow: { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' } };
    await restart({ now: () => Date.now() + DAY_MS });
    await until(() => authority.orders.length > 1);
    assert.is(authority.orders[1]?.['replaces'], first && renewalId(first));
    assert.is(authority.orders[0]?.['replaces'], undefined);
  }));

test('advice that makes no sense is none', async () => {
  const year = 365 * DAY_MS;
  for (const suggestedWindow of [
    { start: 'soon', end: 'later' },
    { start: '2027-01-02T00:00:00Z', end: '2027-01-01T00:00:00Z' },
    { start: new Date(Date.now() + year).toISOString(), end: new Date(Date.now() + 2 * year).toISOString() },
    null,
  ]) {
    await whileIssuing(async ({ authority, restart, until }) => {
      authority.advice = { suggestedWindow };
      await restart();
      await until(isIssued);
      await until(() => authority.requests.includes('renewalInfo'));
      const { notAfter = 0, nextAttemptAt } = await until(isIssued);
      assert.ok(nextAttemptAt > Date.now() && nextAttemptAt < notAfter);
    });
  }
});

test('a rate limit is kept, over a restart and against hurry; nothing else holds up a user who changed something', () =>
  whileIssuing(async ({ authority, restart, until }) => {
    authority.before = ({ path, response }) => {
      if (path !== '/newOrder') return false;
      const problem = { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many certificates' };
      response.writeHead(429, { 'Content-Type': 'application/problem+json', 'Retry-After': String(36 * 3600) });
      response.end(JSON.stringify(problem));
      return true;
    };
    await restart();
    const { nextAttemptAt, lastError } = await until(hasFailed);
    assert.match(lastError?.sentence ?? '', /^the order: too many certificates$/);
    assert.ok(Math.abs(nextAttemptAt - Date.now() - 36 * HOUR_MS) < 60_000);
    const asked = authority.orders.length + authority.requests.length;
    const issuer = await restart();
    assert.is(await issuer.hurry('changed'), nextAttemptAt);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.is(authority.orders.length + authority.requests.length, asked, 'nobody was asked');
    assert.is(issuer.view.nextAttemptAt, nextAttemptAt);
  }));

test('after a failure it waits, a restart does not hammer, and hurry tries at once with the other challenge', () =>
  whileIssuing(async ({ authority, restart, until }) => {
    const tried: string[] = [];
    authority.before = ({ path, response }) => {
      if (!path.startsWith('/challenge/')) return false;
      response.end('{}');
      authority.before = ({ path: next, response: answer }) => {
        if (!next.startsWith('/authorization/')) return false;
        const error = { type: 'urn:ietf:params:acme:error:connection', detail: 'Connection refused' };
        const challenges = [{ type: 'tls-alpn-01', status: 'invalid', error }];
        const identifier = { type: 'dns', value: 'films.example.org' };
        answer.writeHead(200, { 'Content-Type': 'application/json' });
        answer.end(JSON.stringify({ status: 'invalid', identifier, challenges }));
        authority.before = () => false;
        return true;
      };
      return true;
    };
    await restart();
    const { lastError, nextAttemptAt } = await until(hasFailed);
    assert.is(lastError?.sentence, 'films.example.org: tls-alpn-01: Connection refused');
    assert.match(
      lastError?.remedy ?? '',
      /^tls-alpn-01 needs outside port 443 to lead to port 32443 here; and the name /,
    );
    assert.ok(nextAttemptAt - Date.now() > 30_000 && nextAttemptAt - Date.now() < 90_000);
    const issuer = await restart();
    assert.is(issuer.view.nextAttemptAt, nextAttemptAt);
    const { challenges } = issuer;
    const showAnswer = challenges.showAnswer.bind(challenges);
    challenges.showAnswer = (proof) => {
      tried.push(proof.name);
      showAnswer(proof);
    };
    await issuer.hurry('unchanged');
    await until(isIssued);
    assert.equal(tried, ['films.example.org'], 'http-01 after tls-alpn-01');
    assert.is(challenges.answerTo('/.well-known/acme-challenge/token-2-0'), undefined, 'nothing is left to see');
  }));

test('who asks again and again is heard four times, then every twelve minutes, and at once when [acme] has changed', () =>
  whileIssuing(async ({ authority, restart, until }) => {
    let attempts = 0;
    authority.before = ({ path, response }) => {
      if (path !== '/newOrder') return false;
      attempts += 1;
      response.writeHead(500, { 'Content-Type': 'application/problem+json' });
      response.end(JSON.stringify({ type: 'urn:ietf:params:acme:error:serverInternal', detail: `no ${attempts}` }));
      return true;
    };
    let passedMs = 0;
    const issuer = await restart({ now: () => Date.now() + passedMs });
    const failed = (count: number) => until(({ lastError }) => lastError?.sentence.endsWith(`no ${count}`) === true);
    for (const count of [1, 2, 3, 4]) {
      await failed(count);
      if (count < 4) assert.is(await issuer.hurry('unchanged'), undefined);
    }
    const { nextAttemptAt } = issuer.view;
    assert.ok(nextAttemptAt > Date.now() + HOUR_MS);
    passedMs = 11 * 60_000;
    assert.is(await issuer.hurry('unchanged'), nextAttemptAt);
    assert.is(attempts, 4);
    assert.is(await issuer.hurry('changed'), undefined);
    await failed(5);
    assert.ok((await issuer.hurry('unchanged')) !== undefined);
    passedMs = 24 * 60_000;
    assert.is(await issuer.hurry('unchanged'), undefined);
    const { lastAttempt } = await failed(6);
    assert.is(lastAttempt?.hasSucceeded, false);
    authority.before = () => false;
    await issuer.hurry('changed');
    const issued = await until(isIssued);
    assert.is(issued.lastAttempt?.hasSucceeded, true);
    assert.ok(Math.abs((issued.lastAttempt?.at ?? 0) - Date.now() - passedMs) < 60_000);
    assert.equal((await restart()).view.lastAttempt, issued.lastAttempt, 'remembered');
  }));

test('other names, or another profile, need another certificate; the former serves until then', () =>
  whileIssuing(async ({ authority, restart, until, store }) => {
    await restart();
    await until(isIssued);
    const wish = { directory: authority.directory, names: ['films.example.org', 'tv.example.org'], profile: '' };
    await restart({}, { wish });
    await until(isIssued);
    assert.match((await store.readCertificate())?.chain.leaf.subjectAltName ?? '', 'tv.example.org');
    assert.is(authority.requests.filter((what) => what === 'newAccount').length, 1);
  }));

test('all proofs are there before the authority is told of the first, and all are gone afterwards', () =>
  whileIssuing(async ({ authority, restart, until }) => {
    const wish = { directory: authority.directory, names: ['films.example.org', 'tv.example.org'], profile: '' };
    const shown: boolean[] = [];
    const paths = [0, 1].map((index) => `/.well-known/acme-challenge/token-1-${index}`);
    authority.before = ({ path }) => {
      const { challenges } = issuer;
      if (path.startsWith('/challenge/')) shown.push(...paths.map((place) => challenges.answerTo(place) !== undefined));
      return false;
    };
    const issuer = await restart({}, { wish, challenge: 'http-01' });
    await until(isIssued);
    assert.equal(shown, [true, true, true, true]);
    assert.equal(
      paths.map((place) => issuer.challenges.answerTo(place)),
      [undefined, undefined],
    );
  }));

for (const year of [1970, 1979]) {
  test(`a clock in ${year} asks nobody, judges nothing, and says so`, () =>
    whileIssuing(async ({ authority, restart, until }) => {
      const issuer = await restart({ now: () => Date.UTC(year, 0, 2) });
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(authority.requests, []);
      assert.not(issuer.view.isClockSet);
      await restart();
      await until(isIssued);
      // The router starts again, and has no clock of its own.
      const again = await restart({ now: () => Date.UTC(year, 0, 2) });
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.ok(isIssued(again.view));
      assert.is(authority.orders.length, 1);
    }));
}

test('what was remembered under a clock in the future holds nobody up for years', () =>
  whileIssuing(async ({ restart, until, store }) => {
    await store.prepare();
    await store.writeStanding({ failures: 1, notBefore: Date.UTC(2099, 0, 1), isRateLimited: true });
    await restart();
    await until(isIssued);
  }));

test('a state folder full of nonsense is a new beginning', () =>
  whileIssuing(async ({ authority, state, restart, until }) => {
    await restart();
    await until(isIssued);
    const folder = state.folder('acme');
    for (const name of ['order.json', 'standing.json', 'certificate.pem'])
      await folder.write(name, '{"key":"-----BEGIN');
    await restart();
    await until(isIssued);
    assert.is(authority.orders.length, 2);
  }));

test('an authority that has forgotten the account gets a new one', () =>
  whileIssuing(async ({ authority, store, restart, until }) => {
    await restart();
    await until(isIssued);
    await store.removeOrder();
    let isForgotten = true;
    authority.before = ({ path, response }) => {
      if (path === '/newAccount') isForgotten = false;
      if (path !== '/newOrder' || !isForgotten) return false;
      const problem = { type: 'urn:ietf:params:acme:error:accountDoesNotExist', detail: 'no such account' };
      response.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem));
      return true;
    };
    await restart({ now: () => Date.now() + 89 * DAY_MS });
    await until(() => authority.orders.length === 2);
    assert.is(authority.requests.filter((what) => what === 'newAccount').length, 2);
  }));

test('a proof that cannot be taken back holds up nobody who ends the gateway', () =>
  whileIssuing(async ({ restart }) => {
    const issuer = await restart();
    const removing = new Promise<void>((resolve) => {
      issuer.challenges.removeCertificate = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    await removing;
    const startedAt = performance.now();
    await issuer.close();
    assert.ok(performance.now() - startedAt < 9_000);
  }));

test('an order whose proof is cut off by the end of the gateway is kept', () =>
  whileIssuing(async ({ restart, store, until }) => {
    const issuer = await restart();
    let cutOff = () => {};
    await new Promise<void>((resolve) => {
      issuer.challenges.showCertificate = () => {
        resolve();
        return new Promise((_, reject) => {
          cutOff = () => reject(new AcmeProblem({ type: 'hook', detail: 'it ended with SIGKILL' }));
        });
      };
    });
    const closing = issuer.close();
    cutOff();
    await closing;
    assert.ok(await store.readOrder());
    await restart();
    await until(isIssued);
  }));

test.run();
