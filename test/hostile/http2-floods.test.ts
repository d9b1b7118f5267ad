/** Floods of frames that ask for nothing: CONTINUATION without an end (CVE-2024-27983), PING, SETTINGS, empty DATA. Memory stays where it is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type TestLane, withLane } from '../support/full-lane.ts';
import {
  ask,
  closeSession,
  END_HEADERS,
  FRAME,
  FrameClient,
  literals,
  openSession,
  setting,
} from '../support/http2.ts';
import { ok, startAnswering } from '../support/origin.ts';

const MOST_GROWTH_BYTES = 48 * 1024 * 1024;
const PIECE_BYTES = 16_384;
const POST = [':method', 'POST', ':scheme', 'https', ':authority', 'a', ':path', '/'];

/** Writes until the connection is closed, or `count` times; then others must be served, and memory must not have grown. */
async function flood(
  lane: TestLane,
  client: FrameClient,
  write: (index: number) => void,
  count: number,
): Promise<void> {
  const before = process.memoryUsage().rss;
  let index = 0;
  for (; index < count && !client.raw.isClosed; index += 1) {
    write(index);
    if (index % 50 === 0) await new Promise(setImmediate);
    // What waits in this process is the client's, not the lane's.
    while (client.raw.socket.writableLength > 1 << 20 && !client.raw.isClosed) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  const other = await openSession(lane.tlsPort);
  assert.is((await ask(other)).status, 200);
  await closeSession(other);
  const growth = process.memoryUsage().rss - before;
  assert.ok(growth < MOST_GROWTH_BYTES, `${Math.round(growth / 1024 / 1024)} MiB`);
}

async function withClient(use: (lane: TestLane, client: FrameClient) => Promise<void>): Promise<void> {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort);
    await use(lane, client);
    client.destroy();
  });
}

test('CONTINUATION without an end closes the connection', async () => {
  await withClient(async (lane, client) => {
    client.send(FRAME.HEADERS, 0, 1, literals(POST));
    const piece = literals(['x-more', 'x'.repeat(PIECE_BYTES - 100)]);
    await flood(lane, client, () => client.send(FRAME.CONTINUATION, 0, 1, piece), 2_000);
    await client.raw.closed();
    assert.is(lane.decided.length, 1, 'only the other client was heard');
  });
});

test('CONTINUATION in empty pieces closes the connection', async () => {
  await withClient(async (lane, client) => {
    client.send(FRAME.HEADERS, 0, 1, literals(POST));
    await flood(lane, client, () => client.send(FRAME.CONTINUATION, 0, 1), 20_000);
    await client.raw.closed();
  });
});

test('PING by the ten thousand, nobody reading the answers, costs no memory', async () => {
  await withClient(async (lane, client) => {
    client.raw.socket.pause();
    await flood(lane, client, () => client.send(FRAME.PING, 0, 0, Buffer.alloc(8)), 60_000);
  });
});

test('SETTINGS by the ten thousand, nobody reading the answers, costs no memory', async () => {
  await withClient(async (lane, client) => {
    client.raw.socket.pause();
    const settings = Buffer.concat(Array.from({ length: 30 }, (_, index) => setting(4, index)));
    await flood(lane, client, () => client.send(FRAME.SETTINGS, 0, 0, settings), 30_000);
  });
});

test('DATA without a byte of it, by the ten thousand, closes the connection', async () => {
  await withClient(async (lane, client) => {
    client.sendHead(1, POST, END_HEADERS);
    await flood(lane, client, () => client.send(FRAME.DATA, 0, 1), 20_000);
    await client.raw.closed();
  });
});

test.run();
