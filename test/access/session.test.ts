import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  hasSessionCookie,
  loadSessionKey,
  Sessions,
  type SessionsOptions,
  withoutSessionCookie,
} from '../../src/access/session.ts';
import { temporaryState } from './folder.ts';

const HOUR_MS = 60 * 60_000;
const clock = { now: 1_800_000_000_000 };
const options: SessionsOptions = {
  key: randomBytes(32),
  pinHash: '$scrypt$one',
  lifetimeMs: 12 * HOUR_MS,
  now: () => clock.now,
};
const sessions = new Sessions(options);

/** What a browser sends back of a Set-Cookie value. */
const sent = (setCookie: string) => setCookie.split(';', 1)[0] ?? '';

const session = suite('PIN session');

session('opens with a cookie that is good for this kind of connection only', () => {
  for (const isTls of [true, false]) {
    const cookie = sent(sessions.open(isTls));
    assert.ok(sessions.isValid([cookie], isTls));
    assert.not(sessions.isValid([cookie], !isTls));
  }
});

session('that was overheard on plain HTTP is worth nothing over TLS', () => {
  const overheard = sent(sessions.open(false)).split('=')[1] ?? '';
  assert.not(sessions.isValid([`__Host-lockgate=${overheard}`], true));
});

session('is kept from scripts, other sites and, over TLS, plain connections', () => {
  const secure = sessions.open(true);
  assert.match(secure, /^__Host-lockgate=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/);
  const plain = sessions.open(false);
  assert.match(plain, /^lockgate=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
});

session('is found among other cookies and in several headers', () => {
  const cookie = sent(sessions.open(true));
  assert.ok(sessions.isValid([`a=b; ${cookie}; c=d`], true));
  assert.ok(sessions.isValid(['a=b', cookie], true));
  assert.ok(sessions.isValid([`__Host-lockgate=forged; ${cookie}`], true));
});

session('ends with its lifetime', () => {
  const cookie = sent(sessions.open(true));
  clock.now += 12 * HOUR_MS - 2000;
  assert.ok(sessions.isValid([cookie], true));
  clock.now += 2001;
  assert.not(sessions.isValid([cookie], true));
});

session('is void when the PIN changes, when there is none, and under another key', () => {
  const cookie = sent(sessions.open(true));
  assert.not(new Sessions({ ...options, pinHash: '$scrypt$two' }).isValid([cookie], true));
  assert.not(new Sessions({ ...options, pinHash: undefined }).isValid([cookie], true));
  assert.not(new Sessions({ ...options, key: randomBytes(32) }).isValid([cookie], true));
  assert.ok(new Sessions(options).isValid([cookie], true));
});

session('of a longer lifetime than is allowed now is void, and so is one of a clock that was set back', () => {
  const cookie = sent(sessions.open(true));
  assert.not(new Sessions({ ...options, lifetimeMs: HOUR_MS }).isValid([cookie], true));
  assert.not(new Sessions({ ...options, now: () => 0 }).isValid([cookie], true));
});

session('cannot be made up or changed', () => {
  const value = sent(sessions.open(true)).split('=')[1] ?? '';
  const [expires = '', nonce = '', mac = ''] = value.split('.');
  const forged = [
    '',
    '.',
    '..',
    `${expires}.${nonce}`,
    `${expires}.${nonce}.`,
    `${Number(expires) + 1}.${nonce}.${mac}`,
    `${expires}.x${nonce}.${mac}`,
    `${expires}.${nonce}.${mac.slice(1)}`,
    `${expires}.${nonce}.A${mac.slice(1)}`,
    `${expires}.${nonce}.${mac}.`,
    `-1.${nonce}.${mac}`,
    `9e99.${nonce}.${mac}`,
  ];
  for (const attempt of forged) assert.not(sessions.isValid([`__Host-lockgate=${attempt}`], true), attempt);
  assert.ok(sessions.isValid([`__Host-lockgate=${value}`], true));
});

session('ends in the browser with an empty cookie', () => {
  assert.is(sessions.end(true), '__Host-lockgate=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure');
  assert.is(sessions.end(false), 'lockgate=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict');
});

session('leaves no trace in what is forwarded', () => {
  assert.is(withoutSessionCookie('lockgate=a'), undefined);
  assert.is(withoutSessionCookie('__Host-lockgate=a; lockgate=b'), undefined);
  assert.is(withoutSessionCookie('x=1; __Host-lockgate=a; y=2;'), 'x=1; y=2');
  assert.is(withoutSessionCookie('x=1;  y=2'), 'x=1;  y=2');
  assert.is(withoutSessionCookie('mylockgate=1; lockgate=a'), 'mylockgate=1');
  assert.ok(hasSessionCookie(['a=b', 'x=1; lockgate=y']));
  assert.not(hasSessionCookie(['lockgated=1']));
});

session.run();

const key = suite('session key');

key('is made once, kept private, and made anew when it is damaged', async () => {
  const { state, remove } = await temporaryState();
  try {
    const first = await loadSessionKey(state);
    assert.is(first.length, 32);
    assert.equal(await loadSessionKey(state), first);
    assert.is((await stat(state.pathOf('session-key'))).mode & 0o777, 0o600);
    await state.write('session-key', 'short');
    assert.is((await loadSessionKey(state)).length, 32);
  } finally {
    await remove();
  }
});

key.run();
