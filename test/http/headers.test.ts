import type { IncomingMessage } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forwardingFields, isForwardingField } from '../../src/http/forwarding-headers.ts';
import { answerFields, headerObject, requestFields } from '../../src/http/headers.ts';
import { readHead } from '../../src/http/message.ts';
import type { Peer, RequestHead } from '../../src/http/request.ts';

const PEER: Peer = {
  address: '192.168.1.2',
  port: 50_000,
  fromProxyHeader: false,
  tls: false,
  serverName: undefined,
  localAddress: '192.168.1.1',
  localPort: 32_443,
};

function headOf(rawHeaders: string[], method = 'GET', httpVersion = '1.1'): RequestHead {
  const reading = readHead({ method, target: '/', httpVersion, rawHeaders });
  if (!reading.readable) throw new Error(reading.refusal.detail);
  return reading.head;
}

function answerOf(rawHeaders: string[]): IncomingMessage {
  const connection = rawHeaders[rawHeaders.indexOf('Connection') + 1];
  const headers = rawHeaders.includes('Connection') ? { connection } : {};
  return { rawHeaders, headers } as unknown as IncomingMessage;
}

test('the framing of a request is written anew and last, whatever the prepared fields say', () => {
  const head = headOf(['Host', 'a', 'content-LENGTH', '5', 'X', '1'], 'POST');
  const fields = requestFields(head, ['Host', 'a', 'Content-Length', '7', 'X', '1'], ['Own', '2']);
  assert.equal(fields, ['Host', 'a', 'X', '1', 'Own', '2', 'Content-Length', '5']);
  const chunked = headOf(['Host', 'a', 'Transfer-Encoding', 'Chunked'], 'POST');
  assert.equal(requestFields(chunked, chunked.rawHeaders, []), ['Host', 'a', 'Transfer-Encoding', 'chunked']);
});

test('prepared fields are taken instead of the received ones', () => {
  const head = headOf(['Host', 'a', 'X-Plex-Token', 'mine']);
  assert.equal(requestFields(head, ['Host', 'a', 'X-Plex-Token', 'yours'], []), ['Host', 'a', 'X-Plex-Token', 'yours']);
});

test('a repeated field becomes a list under its first spelling', () => {
  const headers = headerObject(['X', '1', 'Y', '2', 'x', '3', 'X', '4']);
  assert.equal({ ...headers }, { X: ['1', '3', '4'], Y: '2' });
});

test('an answer keeps its fields in order, Content-Length moves only behind a Content-Disposition', () => {
  const plain = ['Content-Length', '1', 'X', '2'];
  assert.equal(answerFields(answerOf(plain), false), plain);
  const download = ['A', '0', 'content-length', '1', 'B', '2', 'Content-Disposition', 'x', 'C', '3'];
  assert.equal(answerFields(answerOf(download), false), [
    ...['A', '0', 'B', '2', 'Content-Disposition', 'x', 'C', '3', 'content-length', '1'],
  ]);
});

test('Trailer is kept only for an answer in chunks', () => {
  const answer = answerOf(['Trailer', 'X']);
  assert.equal(answerFields(answer, true), ['Trailer', 'X']);
  assert.equal(answerFields(answer, false), []);
});

test('forwarding fields say one client; the port is the one in Host, else the scheme', () => {
  const fields = (host: string, tls: boolean) => {
    const list = forwardingFields(headOf(['Host', host]), { address: '192.168.1.2', tls }, PEER);
    return Object.fromEntries(list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]]] : [])));
  };
  assert.equal(fields('nas:32400', false), {
    'X-Forwarded-For': '192.168.1.2',
    'X-Real-IP': '192.168.1.2',
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Port': '32400',
    'X-Forwarded-Host': 'nas:32400',
    Forwarded: 'for=192.168.1.2;host="nas:32400";proto=http',
  });
  assert.is(fields('nas', true)['X-Forwarded-Port'], '443');
  assert.is(fields('nas', false)['X-Forwarded-Port'], '80');
  assert.is(fields('[fd00::1]', true)['X-Forwarded-Port'], '443');
  assert.is(fields('[fd00::1]:99', true)['Forwarded'], 'for=192.168.1.2;host="[fd00::1]:99";proto=https');
});

test("without a Host the port is the listener's, and no host is said", () => {
  const fields = forwardingFields(headOf([], 'GET', '1.0'), { address: 'fd00::5', tls: false }, PEER);
  assert.is(fields[fields.indexOf('X-Forwarded-Port') + 1], '32443');
  assert.not.ok(fields.includes('X-Forwarded-Host'));
  assert.is(fields[fields.indexOf('Forwarded') + 1], 'for="[fd00::5]";proto=http');
});

test('forwarding fields are known in any spelling that some server reads as one', () => {
  for (const name of [
    'x-forwarded-for',
    'x_forwarded_for',
    'x-forwarded',
    'x-forwarded-anything',
    'x-original-url',
    'via',
    'proxy',
  ]) {
    assert.ok(isForwardingField(name), name);
  }
  for (const name of ['host', 'x-plex-token', 'x-forward', 'origin', 'x-originally', 'user-agent']) {
    assert.not.ok(isForwardingField(name), name);
  }
});

test.run();
