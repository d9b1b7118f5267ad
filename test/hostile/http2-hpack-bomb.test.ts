/** A few bytes of HPACK that mean megabytes (CVE-2016-1544): one entry of the table, named over and over. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import {
  ask,
  closeSession,
  END_HEADERS,
  END_STREAM,
  FRAME,
  FrameClient,
  literals,
  openSession,
} from '../support/http2.ts';
import { ok, startAnswering } from '../support/origin.ts';

const GET = literals([':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/']);
/** RFC 7541 section 6.2.1: a literal that the table remembers, as its first entry (index 62). */
const REMEMBERED = Buffer.concat([Buffer.from([0x40]), literals(['x-bomb', 'x'.repeat(4000)]).subarray(1)]);
const AGAIN = 0x80 | 62;
const STREAMS = 60;

test('one big field, named thousands of times, is never put together', async () => {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    const before = process.memoryUsage().rss;
    const bomb = Buffer.concat([GET, REMEMBERED, Buffer.alloc(10_000, AGAIN)]);
    for (let stream = 1; stream < STREAMS * 2; stream += 2) {
      client.send(FRAME.HEADERS, END_STREAM | END_HEADERS, stream, bomb);
    }
    const reset = await client.readUntil(({ type }) => type === FRAME.RST_STREAM || type === FRAME.GOAWAY);
    assert.ok(reset);
    const other = await openSession(lane.tlsPort);
    assert.is((await ask(other)).status, 200);
    await closeSession(other);
    assert.is(lane.decided.length, 1, 'only the other client was heard');
    const growth = process.memoryUsage().rss - before;
    assert.ok(growth < 32 * 1024 * 1024, `${Math.round(growth / 1024 / 1024)} MiB`);
    client.destroy();
  });
});

test('one that is a little too much is told so', async () => {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    const repeated = Buffer.concat([GET, REMEMBERED, Buffer.alloc(20, AGAIN)]);
    client.send(FRAME.HEADERS, END_STREAM | END_HEADERS, 1, repeated);
    await client.readUntil(({ type, stream }) => type === FRAME.HEADERS && stream === 1);
    await lane.finished(1);
    assert.is(lane.records[0]?.status, 431);
    assert.is(lane.records[0]?.reason, 'too-large');
    client.destroy();
  });
});

test.run();
