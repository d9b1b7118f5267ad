/** Streams that are opened and reset at once cost the server more than the client (CVE-2023-44487), and so do those that the server is made to reset. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ask, CANCEL, closeSession, FRAME, FrameClient, openSession, uint32 } from '../support/http2.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';

const STREAMS = 3_000;
/** What may begin on one connection before it is closed: the burst, what a busy machine's seconds add, and what was on its way. */
const MOST = 1_500;

test('a flood of resets ends the connection, and others are served', async () => {
  const origin = await startOrigin(async (connection) => {
    const { target } = await connection.readHead();
    if (target === '/other') connection.write(ok('here'));
  });
  await withLane(origin, {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    for (let stream = 1; stream < STREAMS * 2; stream += 2) {
      client.sendHead(stream).send(FRAME.RST_STREAM, 0, stream, uint32(CANCEL));
      if (stream % 200 === 1) await new Promise(setImmediate);
    }
    await client.raw.closed(15_000);
    assert.ok(lane.decided.length <= MOST, `${lane.decided.length} requests were decided on`);
    const other = await openSession(lane.tlsPort);
    assert.is((await ask(other, { ':path': '/other' })).body.toString(), 'here');
    await closeSession(other);
    assert.is(lane.lane.counters.requestsInFlight, 0);
  });
});

test('a flood of requests that the client makes the server reset ends the connection, too', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    // An increment of nothing is an error of its stream (RFC 9113 section 6.9).
    for (let stream = 1; stream < STREAMS * 2; stream += 2) {
      client.sendHead(stream).send(FRAME.WINDOW_UPDATE, 0, stream, uint32(0));
      if (stream % 200 === 1) await new Promise(setImmediate);
    }
    await client.raw.closed(15_000);
    assert.ok(lane.decided.length <= MOST, `${lane.decided.length} requests were decided on`);
  });
});

test('a client that skips through a library is no flood', async () => {
  await withLane(await startAnswering(() => ok('poster')), {}, async (lane) => {
    const session = await openSession(lane.tlsPort);
    for (let count = 0; count < 200; count += 1) {
      const stream = session.request({ ':path': '/poster' });
      stream.on('error', () => {});
      stream.close(CANCEL);
    }
    assert.is((await ask(session)).body.toString(), 'poster');
    await closeSession(session);
  });
});

test('no more streams run at a time than were announced', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    for (let stream = 1; stream < 400; stream += 2) client.sendHead(stream);
    const refused = await client.readUntil(({ type }) => type === FRAME.RST_STREAM);
    assert.is(refused.stream, 201);
    await lane.asked(100);
    assert.is(lane.lane.counters.requestsInFlight, 100);
    client.destroy();
  });
});

test.run();
