/** One request that is to become two behind the gateway: lengths that lie, fields of HTTP/1 in frames of HTTP/2, line ends in values. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type TestLane, withLane } from '../support/full-lane.ts';
import { END_HEADERS, END_STREAM, FRAME, FrameClient } from '../support/http2.ts';
import { type Origin, ok, startAnswering } from '../support/origin.ts';

const POST = [':method', 'POST', ':scheme', 'https', ':authority', 'a', ':path', '/'];
const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/'];

async function withClient(use: (client: FrameClient, lane: TestLane, origin: Origin) => Promise<void>): Promise<void> {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    await use(client, lane, origin);
    client.destroy();
  });
}

/** Stream 1 must end: in a reset, in an end of the connection, or in an answer of 400. */
async function mustBeRefused(client: FrameClient, lane: TestLane): Promise<void> {
  const ended = await client
    .readUntil(({ type, flags, stream }) => stream === 1 && (type === FRAME.RST_STREAM || (flags & END_STREAM) !== 0))
    .catch(() => undefined);
  if (ended?.type !== FRAME.HEADERS && ended?.type !== FRAME.DATA) return;
  await lane.finished(1);
  assert.is(lane.records[0]?.status, 400);
}

for (const [what, length, body] of [
  ['longer', '3', 'hello'],
  ['shorter', '10', 'hello'],
  ['there although none is announced', '0', 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n'],
] as const) {
  test(`a body that is ${what} never reaches the server whole`, async () => {
    await withClient(async (client, lane, origin) => {
      client.sendHead(1, [...POST, 'content-length', length], END_HEADERS);
      client.send(FRAME.DATA, END_STREAM, 1, Buffer.from(body));
      await mustBeRefused(client, lane);
      for (const { body: seen, target } of origin.requests) {
        assert.is(target, '/');
        assert.is(seen.length, 0);
      }
      assert.ok(origin.requests.length <= 1);
    });
  });
}

for (const [name, value] of [
  ['transfer-encoding', 'chunked'],
  ['connection', 'x-secret'],
  ['keep-alive', 'timeout=5'],
  ['proxy-connection', 'close'],
  ['upgrade', 'websocket'],
  ['te', 'gzip'],
  ['X-Upper', '1'],
] as const) {
  test(`the field ${JSON.stringify(name)} with ${JSON.stringify(value)} is refused`, async () => {
    await withClient(async (client, lane, origin) => {
      client.sendHead(1, [...GET, name, value]);
      await mustBeRefused(client, lane);
      assert.equal(origin.requests, []);
    });
  });
}

for (const [name, value] of [
  ['x-line', 'a\r\nX-Smuggled: 1'],
  ['x-nul', 'a\0b'],
  ['x bad', '1'],
  ['x-colon:', '1'],
  ['', '1'],
] as const) {
  test(`the field ${JSON.stringify(name)} with ${JSON.stringify(value)} is nobody's: Node drops it`, async () => {
    await withClient(async (client, lane, origin) => {
      client.sendHead(1, [...GET, name, value, 'x-next', '1']);
      await lane.finished(1);
      assert.is(lane.decided[0]?.rawHeaders.length, 4);
      const [request] = origin.requests;
      assert.is(request?.header('x-next'), '1');
      assert.not.ok(request?.rawHeaders.some((text) => /smuggled|x-nul|x-line|bad|colon|^$/i.test(text)));
    });
  });
}

for (const [what, fields] of [
  ['a line end in the path', [...GET.slice(0, 6), ':path', '/ HTTP/1.1\r\nHost: b\r\n\r\nGET /admin']],
  ['a space in the path', [...GET.slice(0, 6), ':path', '/a b']],
  ['a line end in the method', [':method', 'GET / HTTP/1.1\r\n', ...GET.slice(2)]],
  ['a line end in the authority', [...GET.slice(0, 4), ':authority', 'a\r\nX: 1', ':path', '/']],
  ['two paths', [...GET, ':path', '/admin']],
  ['a pseudo field behind others', [...GET.slice(0, 6), 'accept', '*/*', ':path', '/']],
  ['no path', GET.slice(0, 6)],
  ['no scheme', [':method', 'GET', ':authority', 'a', ':path', '/']],
  ['no method', GET.slice(2)],
  ['an answer in a request', [':status', '200', ...GET]],
  ['another Host', [...GET, 'host', 'b']],
  ['two lengths', [...GET, 'content-length', '0', 'content-length', '0']],
] as const) {
  test(`a head with ${what} is refused`, async () => {
    await withClient(async (client, lane, origin) => {
      client.sendHead(1, fields);
      await mustBeRefused(client, lane);
      assert.equal(origin.requests, []);
    });
  });
}

test('trailers of a request end here', async () => {
  await withClient(async (client, lane, origin) => {
    client.sendHead(1, POST, END_HEADERS).send(FRAME.DATA, 0, 1, Buffer.from('hello'));
    client.sendHead(1, ['x-end', '1']);
    await lane.finished(1);
    assert.is(lane.records[0]?.status, 200);
    assert.is(origin.requests[0]?.body.toString(), 'hello');
    assert.is(origin.requests[0]?.header('x-end'), undefined);
  });
});

test.run();
