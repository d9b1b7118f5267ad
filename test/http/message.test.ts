import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionOptions, isHostValue, readHead } from '../../src/http/message.ts';
import type { RequestHead } from '../../src/http/request.ts';

const GOOD = { method: 'GET', target: '/a?b', httpVersion: '1.1', rawHeaders: ['Host', 'a'] };

function headOf(parts: Partial<typeof GOOD>): RequestHead {
  const reading = readHead({ ...GOOD, ...parts });
  if (!reading.readable) throw new Error(reading.refusal.detail);
  return reading.head;
}

function refusalOf(parts: Partial<typeof GOOD>): string {
  const reading = readHead({ ...GOOD, ...parts });
  return reading.readable ? 'readable' : `${reading.refusal.status} ${reading.refusal.reason}`;
}

test('a head gives its parts back as they came', () => {
  const head = headOf({ target: '/a//b?c?d', rawHeaders: ['hOsT', 'A', 'X', '1', 'x', '2'] });
  assert.is(head.path, '/a//b');
  assert.is(head.query, 'c?d');
  assert.is(head.target, '/a//b?c?d');
  assert.equal(head.values('x'), ['1', '2']);
  assert.is(head.header('x'), '1');
  assert.is(head.header('host'), 'A');
  assert.is(head.header('y'), undefined);
  assert.equal(head.values('y'), []);
});

test('a value that looks like a name is not found as one', () => {
  const head = headOf({ rawHeaders: ['Host', 'a', 'X', 'cookie', 'Y', 'z'] });
  assert.is(head.header('cookie'), undefined);
  assert.equal(head.values('cookie'), []);
});

test('a target without a query has an empty one', () => {
  assert.is(headOf({ target: '/a' }).query, '');
  assert.is(headOf({ target: '/a?' }).query, '');
  assert.is(headOf({ target: '/a?' }).path, '/a');
});

test('a body is announced by a length above nought, or by chunks', () => {
  const hasBody = (...fields: string[]) => headOf({ method: 'POST', rawHeaders: ['Host', 'a', ...fields] }).hasBody;
  assert.is(hasBody(), false);
  assert.is(hasBody('Content-Length', '0'), false);
  assert.is(hasBody('Content-Length', '000'), false);
  assert.is(hasBody('Content-Length', '1'), true);
  assert.is(hasBody('Transfer-Encoding', 'chunked'), true);
});

test('an upgrade is a GET over HTTP/1.1 for exactly WebSocket, named by Connection, without a body', () => {
  const upgrade = ['Host', 'a', 'Connection', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket'];
  assert.is(headOf({ rawHeaders: upgrade }).upgrade, true);
  assert.is(headOf({ rawHeaders: upgrade, method: 'POST' }).upgrade, false);
  assert.is(headOf({ rawHeaders: upgrade, httpVersion: '1.0' }).upgrade, false);
  assert.is(headOf({ rawHeaders: [...upgrade, 'Content-Length', '1'] }).upgrade, false);
  assert.is(headOf({ rawHeaders: [...upgrade, 'Content-Length', '0'] }).upgrade, true);
  assert.is(headOf({ rawHeaders: [...upgrade, 'Upgrade', 'websocket'] }).upgrade, false);
  assert.is(headOf({ rawHeaders: ['Host', 'a', 'Upgrade', 'websocket'] }).upgrade, false);
  assert.is(headOf({ rawHeaders: ['Host', 'a', 'Connection', 'upgrade', 'Upgrade', 'h2c'] }).upgrade, false);
});

test('what a parser might let through is refused here', () => {
  assert.is(refusalOf({}), 'readable');
  const bad: Partial<typeof GOOD>[] = [
    { httpVersion: '2.0' },
    { httpVersion: '0.9' },
    { httpVersion: '' },
    { method: 'TRACE' },
    { method: 'CONNECT' },
    { target: '' },
    { target: 'a' },
    { target: '*' },
    { target: '/a b' },
    { target: '/a#b' },
    { target: '/\u00e9' },
    { target: '/\u{1f600}' },
    { target: '/a\n' },
    { target: 'http://a/' },
    { rawHeaders: [] },
    { rawHeaders: ['Host', 'a', 'Content-Length', '-1'] },
    { rawHeaders: ['Host', 'a', 'Content-Length', '1e3'] },
    { rawHeaders: ['Host', 'a', 'Content-Length', ' 1'] },
    { rawHeaders: ['Host', 'a', 'Content-Length', '9999999999999999'] },
    { rawHeaders: ['Host', 'a', 'Origin', 'a', 'origin', 'b'] },
    { rawHeaders: ['Host', 'a', 'Referer', 'a', 'Referer', 'b'] },
    { rawHeaders: ['Host', 'a', 'Sec-Fetch-Site', 'none', 'Sec-Fetch-Site', 'cross-site'] },
    { rawHeaders: ['Host', 'a', 'Range', 'bytes=0-', 'Range', 'bytes=1-'] },
    { rawHeaders: ['Host', 'a', 'Transfer-Encoding', 'chunked', 'Content-Length', '1'] },
    { rawHeaders: ['Host', 'a', 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'] },
    { rawHeaders: ['Host', 'a', 'Transfer-Encoding', 'chunked'], httpVersion: '1.0' },
  ];
  for (const parts of bad) assert.is(refusalOf(parts), '400 malformed', JSON.stringify(parts));
});

test('asterisk-form is for OPTIONS', () => {
  assert.is(headOf({ method: 'OPTIONS', target: '*' }).path, '*');
});

test('a head of more than 256 lines is too large', () => {
  const lines = (count: number) => Array.from({ length: count - 1 }, () => ['X', '1']).flat();
  assert.is(refusalOf({ rawHeaders: ['Host', 'a', ...lines(256)] }), 'readable');
  assert.is(refusalOf({ rawHeaders: ['Host', 'a', ...lines(257)] }), '431 too-large');
});

test('Connection options come from all its fields, lower case, without empty ones', () => {
  const head = headOf({ rawHeaders: ['Host', 'a', 'Connection', ' A ,,b', 'connection', 'C'] });
  assert.equal(connectionOptions(head), ['a', 'b', 'c']);
});

test('host values', () => {
  for (const good of ['a', 'a.b', 'a.b.', '1', '127.0.0.1:1', '[::1]', '[::1]:65535', 'a_b', 'A-b']) {
    assert.ok(isHostValue(good), good);
  }
  for (const bad of [
    '',
    ':',
    'a:',
    'a:x',
    '[::1',
    '::1',
    '[a]',
    'a]',
    '-a',
    '.a',
    'a/b',
    'a b',
    'a@b',
    'é',
    'a\n',
    'a:65536',
  ]) {
    assert.not.ok(isHostValue(bad), JSON.stringify(bad));
  }
});

test.run();
