import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { EventStreams, type Parts } from '../../src/http/event-streams.ts';
import type { PageAsk } from '../../src/http/full-lane.ts';
import { isExpress, type TestLane, withLane } from '../support/full-lane.ts';
import { inTime } from '../support/in-time.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw, type RawClient } from '../support/raw.ts';

const LOOK_MS = 20;
const EVENTS: Decision = { action: 'page', rule: 'gateway-page', page: 'events', scope: 'lights' };
const FOLLOW = 'GET /.lockgate/events HTTP/1.1\r\nHost: a\r\n\r\n';

interface Scene {
  readonly lane: TestLane;
  readonly streams: EventStreams;
  parts: Parts;
  decision: Decision;
}

async function withStreams(use: (scene: Scene) => Promise<void>, limits = {}): Promise<void> {
  const origin = await startAnswering(() => ok());
  const streams = new EventStreams({ partsOf: () => scene.parts, lookIntervalMs: LOOK_MS });
  const page = ({ response, peer }: PageAsk) => {
    if (!streams.open(response, peer.address, 'lights')) response.writeHead(429).end();
  };
  const decide = () => scene.decision;
  const scene = { streams, parts: { lights: '<p>green</p>' }, decision: EVENTS } as Omit<Scene, 'lane'> as Scene;
  await withLane(origin, { page, decide, limits, express: isExpress }, (lane) => use(Object.assign(scene, { lane })));
}

async function follow(port: number, tls = false): Promise<RawClient> {
  const client = await connectRaw({ port, ...(tls ? { tls: {} } : {}) });
  client.write(FOLLOW);
  assert.match(await client.readUntil('\r\n\r\n'), /200 OK[\s\S]*Content-Type: text\/event-stream/);
  return client;
}

test('a stream begins with everything, and is then told what has changed', async () => {
  await withStreams(async (scene) => {
    for (const isTls of [false, true]) {
      scene.parts = { lights: '<p>green</p>', clients: 'nobody' };
      const client = await follow(isTls ? scene.lane.tlsPort : scene.lane.port, isTls);
      assert.match(
        await client.readUntil('"}\n\n'),
        /retry: 3000[\s\S]*data: \{"lights":"<p>green<\/p>","clients":"nobody"\}/,
      );
      scene.parts = { lights: '<p>green</p>', clients: '1' };
      const event = await client.readUntil('"}\n\n');
      assert.match(event, 'data: {"clients":"1"}');
      assert.not.match(event, 'lights');
      client.destroy();
    }
  });
});

test('whatever is in a part, an event is one line', async () => {
  await withStreams(async (scene) => {
    scene.parts = { lights: 'a\n\nevent: evil\r\ndata: b\u2028' };
    const client = await follow(scene.lane.port);
    const event = await client.readUntil('}\n\n');
    assert.not.match(event, /^event:/m);
    assert.is(event.split('\n').filter((line) => line.startsWith('data:')).length, 1);
    client.destroy();
  });
});

test('a stream whose client may see something else now is cut, and one with the same rights goes on', async () => {
  await withStreams(async (scene) => {
    const client = await follow(scene.lane.port);
    assert.is(await scene.lane.lane.recheck(), 0);
    scene.parts = { lights: 'still here' };
    await client.readUntil('still here');
    scene.decision = { ...EVENTS, scope: 'everything' };
    assert.is(await scene.lane.lane.recheck(), 1);
    await client.closed();
    const other = await follow(scene.lane.port);
    scene.decision = { action: 'refuse', rule: 'default', status: 401, reason: 'no-credentials', detail: 'Sign in.' };
    assert.is(await scene.lane.lane.recheck(), 1);
    await other.closed();
  });
});

test('streams are decided again now and then without any cause: sessions and credentials run out', async () => {
  const limits = { upgradeRecheckMs: 50 };
  await withStreams(async (scene) => {
    const client = await follow(scene.lane.port);
    scene.decision = { action: 'refuse', rule: 'default', status: 401, reason: 'no-credentials', detail: 'Sign in.' };
    await client.closed();
  }, limits);
});

test('a drain ends streams in order, at once, and begins no other', async () => {
  await withStreams(async ({ lane }) => {
    const client = await follow(lane.port);
    const drained = inTime(2_000, lane.lane.drain(5_000));
    await client.readUntil('0\r\n\r\n');
    await drained;
  });
});

test('one client has four streams at most, and leaves room when it goes', async () => {
  await withStreams(async ({ lane, streams }) => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => follow(lane.port)));
    const fifth = await connectRaw({ port: lane.port });
    fifth.write(FOLLOW);
    assert.is((await fifth.readAnswer()).status, 429);
    const elsewhere = await connectRaw({ port: lane.port, localAddress: '127.0.0.9' });
    elsewhere.write(FOLLOW);
    await elsewhere.readUntil('green');
    for (const client of [...clients, fifth, elsewhere]) client.destroy();
    await lane.finished(6);
    assert.is(streams.size, 0);
    (await follow(lane.port)).destroy();
  });
});

test('there are 32 streams at most', async () => {
  await withStreams(async ({ lane }) => {
    const clients: RawClient[] = [];
    for (let index = 0; index < 33; index += 1) {
      const client = await connectRaw({ port: lane.port, localAddress: `127.0.0.${10 + index}` });
      client.write(FOLLOW);
      clients.push(client);
      assert.match(await client.readUntil('\r\n\r\n'), index < 32 ? ' 200 ' : ' 429 ', String(index));
    }
    for (const client of clients) client.destroy();
  });
});

test('a client that does not read is sent no more than fits, then what is so by then, and is cut when it never reads', async () => {
  const limits = { bodyIdleTimeoutMs: 1_500 };
  await withStreams(async (scene) => {
    const client = await follow(scene.lane.port);
    client.socket.pause();
    let written = 0;
    const big = 'x'.repeat(1024 * 1024);
    const timer = setInterval(() => {
      written += 1;
      scene.parts = { lights: `${written} ${big}` };
    }, LOOK_MS / 2);
    await scene.lane.finished(1);
    clearInterval(timer);
    const [record] = scene.lane.records;
    assert.ok(record?.aborted);
    assert.ok(written > 20, `${written} changes`);
    assert.ok((record?.bytesSent ?? 0) < 8 * 1024 * 1024, `${record?.bytesSent} bytes`);
    client.destroy();
  }, limits);
});

test('nobody is looked at while nobody follows', async () => {
  await withStreams(async (scene) => {
    const client = await follow(scene.lane.port);
    client.destroy();
    await scene.lane.finished(1);
    let looks = 0;
    Object.defineProperty(scene, 'parts', {
      get: () => {
        looks += 1;
        return {};
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MS));
    assert.is(looks, 0);
  });
});

test.run();
