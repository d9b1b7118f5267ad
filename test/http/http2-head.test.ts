/** The head of an HTTP/2 request in the words of HTTP/1.1: what is joined, moved, added, and refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { translateHead } from '../../src/http/http2/http2-head.ts';
import { readHead } from '../../src/http/message.ts';

const LIMIT = 65_536;
const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'films.test', ':path', '/a?b=1'];

function translate(fields: readonly string[], { hasBody = false, limit = LIMIT } = {}) {
  return translateHead(fields, hasBody, limit);
}

function refused(fields: readonly string[]): string | undefined {
  const { parts, refusal } = translate(fields);
  if (refusal !== undefined) return refusal.detail;
  const reading = readHead(parts);
  return reading.readable ? undefined : reading.refusal.detail;
}

test('pseudo fields become the request line and the Host', () => {
  const { parts, refusal } = translate([...GET, 'accept', '*/*']);
  assert.is(refusal, undefined);
  assert.is(parts.method, 'GET');
  assert.is(parts.target, '/a?b=1');
  assert.is(parts.httpVersion, '1.1');
  assert.equal(parts.rawHeaders, ['host', 'films.test', 'accept', '*/*']);
});

test('a Host alone, or one that says the same, is fine', () => {
  const withoutAuthority = [':method', 'GET', ':scheme', 'https', ':path', '/', 'host', 'films.test'];
  assert.equal(translate(withoutAuthority).parts.rawHeaders, ['host', 'films.test']);
  assert.equal(translate([...GET, 'host', 'films.test']).parts.rawHeaders, ['host', 'films.test']);
  assert.is(refused([...GET, 'host', 'films.test']), undefined);
});

test('two different names of the host are refused, and so is none', () => {
  assert.match(refused([...GET, 'host', 'other.test']) ?? '', ':authority');
  assert.match(refused([...GET, 'host', 'FILMS.test']) ?? '', ':authority');
  assert.match(refused([...GET, 'host', 'films.test', 'host', 'films.test']) ?? '', ':authority');
  assert.match(refused([':method', 'GET', ':scheme', 'https', ':path', '/']) ?? '', 'Host');
});

test('an authority that is no host is refused like a Host', () => {
  for (const authority of ['user@films.test', 'a/b', 'films.test:99999', '', 'a,b', '[::1']) {
    const fields = [':method', 'GET', ':scheme', 'https', ':authority', authority, ':path', '/'];
    assert.match(refused(fields) ?? '', 'Host header', authority);
  }
});

test('a path that is no path is refused like a request target', () => {
  for (const path of ['', 'a', 'http://b/', '/#a', '/a b', '*', '/ä']) {
    const fields = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', path];
    assert.match(refused(fields) ?? '', 'request target', path);
  }
  assert.is(refused([':method', 'OPTIONS', ':scheme', 'https', ':authority', 'a', ':path', '*']), undefined);
});

test('cookies that came in crumbs are one field again', () => {
  const { parts } = translate([...GET, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2']);
  assert.equal(parts.rawHeaders, ['host', 'films.test', 'x', 'y', 'cookie', 'a=1; b=2']);
});

test('a body without a length is one in chunks for HTTP/1.1', () => {
  const post = [':method', 'POST', ':scheme', 'https', ':authority', 'a', ':path', '/'];
  assert.equal(translate(post, { hasBody: true }).parts.rawHeaders, ['host', 'a', 'transfer-encoding', 'chunked']);
  const withLength = translate([...post, 'content-length', '5'], { hasBody: true });
  assert.equal(withLength.parts.rawHeaders, ['host', 'a', 'content-length', '5']);
  assert.equal(translate(post).parts.rawHeaders, ['host', 'a']);
});

for (const field of ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']) {
  test(`${field} does not exist in HTTP/2`, () => {
    assert.match(refused([...GET, field, 'chunked']) ?? '', field);
  });
}

test('te may say trailers, and nothing else', () => {
  assert.is(refused([...GET, 'te', 'trailers']), undefined);
  assert.match(refused([...GET, 'te', 'gzip']) ?? '', 'te');
});

test('a pseudo field that is repeated or unknown is refused', () => {
  assert.match(refused([...GET, ':path', '/b']) ?? '', ':path');
  assert.match(refused([...GET, ':protocol', 'websocket']) ?? '', ':protocol');
});

test('any scheme but https is refused', () => {
  const over = (scheme: string) => [':method', 'GET', ':scheme', scheme, ':authority', 'a', ':path', '/'];
  assert.match(refused(over('http')) ?? '', 'scheme');
  assert.match(refused(over('ftp')) ?? '', 'scheme');
});

test('CONNECT and TRACE are not served', () => {
  assert.match(refused([':method', 'CONNECT', ':authority', 'a:443']) ?? '', 'CONNECT');
  assert.match(refused([':method', 'TRACE', ...GET.slice(2)]) ?? '', 'TRACE');
});

test('fields that may come once are counted like those of HTTP/1', () => {
  for (const field of ['content-length', 'origin', 'referer', 'range', 'sec-fetch-site']) {
    assert.match(refused([...GET, field, '0', field, '0']) ?? '', field);
  }
});

test('a head over the limit is 431, as HTTP/1.1 would count it', () => {
  const bytes = GET.join('').length + GET.length * 2;
  assert.is(translate(GET).byteLength, bytes);
  assert.is(translate(GET, { limit: bytes }).refusal, undefined);
  assert.is(translate(GET, { limit: bytes - 1 }).refusal?.status, 431);
});

test.run();
