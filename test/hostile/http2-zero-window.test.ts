/** Clients that ask for much and then leave no room for it (CVE-2019-9511, 9517): what waits for them is little, and not for ever. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REFUSE, withLane } from '../support/full-lane.ts';
import { FRAME, FrameClient, setting, uint32 } from '../support/http2.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';

const STREAMS = 100;
const CHUNK = Buffer.alloc(65_536);
/** SETTINGS_INITIAL_WINDOW_SIZE. */
const NO_ROOM = setting(4, 0);

/** Of what is held: buffers that wait to be collected are not. */
function externalBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().external;
}

test('a hundred films for a window of nothing cost little, and end after their idle time', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n');
    // As much as the network takes.
    while (!connection.isClosed && connection.socket.writableLength === 0) {
      connection.write(CHUNK);
      await new Promise(setImmediate);
    }
  });
  await withLane(origin, { limits: { answerIdleTimeoutMs: 1_500 } }, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort, NO_ROOM);
    const before = externalBytes();
    for (let stream = 1; stream < STREAMS * 2; stream += 2) client.sendHead(stream);
    await lane.asked(STREAMS);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const growth = externalBytes() - before;
    assert.ok(growth < STREAMS * 384 * 1024, `${Math.round(growth / 1024)} KiB`);
    await lane.finished(STREAMS);
    assert.ok(lane.records.every(({ aborted }) => aborted));
    assert.is(lane.lane.counters.requestsInFlight, 0);
    client.destroy();
  });
});

test('a refusal that finds no room is given up', async () => {
  const options = { decide: () => REFUSE, limits: { bodyIdleTimeoutMs: 300, keepAliveTimeoutMs: 300 } };
  await withLane(await startAnswering(() => ok()), options, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort, NO_ROOM);
    client.sendHead(1);
    await lane.finished(1);
    assert.is(lane.records[0]?.aborted, true);
    await client.raw.closed();
  });
});

test('a client that reads nothing at all is closed with everything it asked for', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n');
    connection.write(Buffer.alloc(20_000_000));
  });
  const limits = { answerIdleTimeoutMs: 500, keepAliveTimeoutMs: 300 };
  await withLane(origin, { limits }, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort, setting(4, 0x7fffffff));
    client.send(FRAME.WINDOW_UPDATE, 0, 0, uint32(0x7fff0000 - 65_535)).sendHead(1);
    client.raw.socket.pause();
    await lane.finished(1);
    assert.is(lane.records[0]?.aborted, true);
    await origin.connections[0]?.closed();
    while (lane.lane.counters.connections > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    client.destroy();
  });
});

test('a window drawn out byte by byte is bound by the idle time', async () => {
  const origin = await startAnswering(() => ok('x'.repeat(60_000)));
  await withLane(origin, { limits: { answerIdleTimeoutMs: 500 } }, async (lane) => {
    const client = await FrameClient.connect(lane.tlsPort, NO_ROOM);
    client.sendHead(1);
    const drip = setInterval(() => client.send(FRAME.WINDOW_UPDATE, 0, 1, uint32(1)), 20);
    await lane.finished(1);
    clearInterval(drip);
    assert.is(lane.records[0]?.aborted, true);
    client.destroy();
  });
});

test.run();
