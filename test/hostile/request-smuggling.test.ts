/** Request smuggling: two parsers that disagree where a request ends (CL.TE, TE.CL, TE.TE). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

/** A body without an end is waited for only so long. */
const QUICK = { limits: { refusedBodyTimeoutMs: 100 } };
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** What stands between `POST / HTTP/1.1`, Host and the smuggled request. */
const AMBIGUOUS: Readonly<Record<string, string>> = {
  'CL.TE': `Content-Length: ${5 + SMUGGLED.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'TE.CL': 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
  'two equal lengths': 'Content-Length: 0\r\nContent-Length: 0\r\n\r\n',
  'two different lengths': `Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`,
  'a list of lengths': 'Content-Length: 0, 0\r\n\r\n',
  'a signed length': 'Content-Length: +0\r\n\r\n',
  'a hexadecimal length': 'Content-Length: 0x0\r\n\r\n',
  'an empty length': 'Content-Length: \r\n\r\n',
  'a length too large for any number': 'Content-Length: 99999999999999999999\r\n\r\n',
  'an encoding in front of chunked': 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'an encoding behind chunked': 'Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
  'chunked twice in one field': 'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
  'chunked in two fields': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'identity and chunked': 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'an unknown encoding': 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'an encoding with a parameter': 'Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n',
  'an encoding in quotes': 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
  'a vertical tab before chunked': 'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
  'an empty encoding': 'Transfer-Encoding: \r\n\r\n',
  'a space before the colon': 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  'a folded encoding': 'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  'a length behind a bare line feed': 'X: 1\nContent-Length: 0\r\n\r\n',
  'a length behind a bare carriage return': 'X: 1\rContent-Length: 0\r\n\r\n',
  'a NUL in a value': 'X: a\x00b\r\n\r\n',
  'a space in front of a field': ' Content-Length: 0\r\n\r\n',
  'a line without colon': 'Content-Length\r\n\r\n',
};

for (const [name, fields] of Object.entries(AMBIGUOUS)) {
  test(`${name}: refused, the connection closes, nothing reaches the server`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, QUICK, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`POST / HTTP/1.1\r\nHost: a\r\n${fields}${SMUGGLED}`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 400);
      assert.is(answer.header('x-lockgate-reason'), 'malformed');
      assert.is(answer.header('connection'), 'close');
      assert.is(client.text, '', 'one answer, not two');
      await client.closed();
      assert.equal(origin.connections, []);
      assert.equal(lane.decided, [], 'the policy never sees it');
    });
  });
}

const BROKEN_BODIES: Readonly<Record<string, string>> = {
  'a chunk size that is no number': '5;\r\nhello\r\nz\r\n\r\n',
  'a chunk longer than its size': '3\r\nhello\r\n0\r\n\r\n',
  'a bare line feed behind a chunk size': '5\nhello\r\n0\r\n\r\n',
  'a negative chunk size': '-1\r\nhello\r\n0\r\n\r\n',
  'a chunk size with 0x': '0x5\r\nhello\r\n0\r\n\r\n',
  'a chunk size over 64 bits': 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n',
};

for (const [name, body] of Object.entries(BROKEN_BODIES)) {
  test(`${name}: no complete request reaches the server, and none behind it`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, QUICK, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}${SMUGGLED}`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 400);
      assert.is(answer.header('x-lockgate-reason'), 'malformed');
      await client.closed();
      assert.is(client.text, '');
      assert.equal(origin.requests, []);
      assert.not.ok(origin.connections.some((connection) => connection.text.includes('/smuggled')));
    });
  });
}

test('a chunked request over HTTP/1.0 is refused', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`);
    assert.is((await client.readAnswer()).status, 400);
    await client.closed();
    assert.is(client.text, '');
    assert.equal(origin.connections, []);
  });
});

test('chunk extensions end at the gateway', async () => {
  const origin = await startAnswering((request) => ok(`${request.header('transfer-encoding')} ${request.body}`));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n5;a="\nx"\r\nhello\r\n0\r\n\r\n');
    const answer = await client.readAnswer();
    if (answer.status === 200) assert.is(answer.body.toString(), 'chunked hello');
    else assert.is(answer.header('x-lockgate-reason'), 'malformed');
    client.destroy();
  });
});

test('an ordinary chunked request arrives, re-framed', async () => {
  const origin = await startAnswering((request) => ok(`${request.header('transfer-encoding')} ${request.body}`));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), 'chunked hello');
    client.destroy();
  });
});

test.run();
