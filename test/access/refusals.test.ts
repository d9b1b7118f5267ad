import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Refuse } from '../../src/access/decision.ts';
import { Refusals } from '../../src/access/refusals.ts';

const UNAUTHORIZED: Refuse = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'Authentication required.',
};
const request = (path: string, address = '203.0.113.7') => ({ address, method: 'GET', path });

const list = suite('last refusals');

list('say who, what, by which rule, and what would help, newest first', () => {
  const clock = { now: 5 };
  const refusals = new Refusals(() => clock.now);
  refusals.note(request('/a'), UNAUTHORIZED, 'the line');
  clock.now = 6;
  refusals.note(request('/b'), { ...UNAUTHORIZED, status: 403, rule: 'origin', reason: 'origin' }, undefined);
  assert.equal(refusals.list, [
    {
      at: 6,
      count: 1,
      address: '203.0.113.7',
      method: 'GET',
      path: '/b',
      status: 403,
      reason: 'origin',
      rule: 'origin',
    },
    {
      at: 5,
      count: 1,
      address: '203.0.113.7',
      method: 'GET',
      path: '/a',
      status: 401,
      reason: 'no-credentials',
      rule: 'default',
      remedy: 'the line',
    },
  ]);
});

list('are twenty', () => {
  const refusals = new Refusals();
  for (let index = 0; index < 100; index++) refusals.note(request(`/${index}`), UNAUTHORIZED, undefined);
  assert.is(refusals.list.length, 20);
  assert.is(refusals.list[0]?.path, '/99');
});

list('count a client that asks for the same again and again once', () => {
  const refusals = new Refusals();
  refusals.note(request('/other'), UNAUTHORIZED, undefined);
  for (let index = 0; index < 100; index++) refusals.note(request('/same'), UNAUTHORIZED, `line ${index}`);
  assert.equal(
    refusals.list.map(({ path, count }) => [path, count]),
    [
      ['/same', 100],
      ['/other', 1],
    ],
  );
  assert.is(refusals.list[0]?.remedy, 'line 99');
});

list('hold no credentials and no long paths', () => {
  const refusals = new Refusals();
  refusals.note(request('/a%3FX-Plex-Token%3Dsecret-token-1'), UNAUTHORIZED, undefined);
  refusals.note(request(`/${'b'.repeat(5000)}`), UNAUTHORIZED, undefined);
  const [long, secret] = refusals.list;
  assert.not.match(secret?.path ?? '', 'secret-token-1');
  assert.ok((long?.path.length ?? 0) < 130);
});

list.run();
