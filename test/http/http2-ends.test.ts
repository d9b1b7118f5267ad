/** How HTTP/2 streams and connections end: by the client, the server, a change of the policy, a drain, a deadline. Each end is its own. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { EventStreams } from '../../src/http/event-streams.ts';
import type { PageAsk } from '../../src/http/lane.ts';
import { FORWARD, REFUSE, type TestLaneOptions, withLane } from '../support/full-lane.ts';
import {
  ask,
  CANCEL,
  closeSession,
  END_HEADERS,
  FRAME,
  FrameClient,
  INTERNAL_ERROR,
  NO_ERROR,
  openSession,
  resultOf,
  setting,
  uint32,
  withSession,
} from '../support/http2.ts';
import { inTime } from '../support/in-time.ts';
import { type Origin, ok, startAnswering, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

/** SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2), and the widest there is. */
const INITIAL_WINDOW_SIZE = 4;
const WIDE_OPEN = 0x7fffffff;

test('an answer that breaks off ends in a reset, never in order', async () => {
  for (const framing of ['Content-Length: 100', 'Transfer-Encoding: chunked', 'X-Until: the end']) {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
      connection.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      connection.reset();
    });
    await withSession(origin, {}, async (session, lane) => {
      const answer = await ask(session);
      assert.is(answer.status, 200);
      assert.is(answer.code, INTERNAL_ERROR, framing);
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
      assert.is(session.closed, false, 'other streams go on');
    });
  }
});

for (const code of [NO_ERROR, CANCEL]) {
  test(`an upload that the client resets with ${code} is broken off at the server, too`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
    });
    await withLane(origin, {}, async (lane) => {
      const client = await FrameClient.connect(lane.tlsPort);
      const post = [':method', 'POST', ':scheme', 'https', ':authority', 'a', ':path', '/'];
      client.sendHead(1, post, END_HEADERS).send(FRAME.DATA, 0, 1, Buffer.from('hello'));
      await lane.asked(1);
      while (!(origin.connections[0]?.text ?? '').includes('hello')) await new Promise(setImmediate);
      client.send(FRAME.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, code]));
      await origin.connections[0]?.closed();
      assert.not.match(origin.connections[0]?.text ?? '', '0\r\n\r\n');
      assert.equal(lane.failures, []);
      await lane.finished(1);
      client.destroy();
    });
  });
}

for (const how of ['resets the stream', 'closes the connection'] as const) {
  test(`a client that ${how} while the server is silent: the server's connection closes`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
    });
    await withSession(origin, {}, async (session, lane) => {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => {});
      while (origin.connections[0] === undefined) await new Promise(setImmediate);
      if (how === 'resets the stream') stream.close(CANCEL);
      else session.destroy();
      await origin.connections[0].closed();
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
      assert.equal(lane.failures, []);
    });
  });
}

test('a client that has closed its connection is gone at once, whether it waits for anything or not', async () => {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    for (const isAsking of [false, true]) {
      const session = await openSession(lane.tlsPort);
      if (isAsking) await ask(session);
      await closeSession(session);
      while (lane.lane.counters.connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});

test('a refused upload gets its answer, and is not read to its end', async () => {
  const limits = { refusedBodyTimeoutMs: 300 };
  await withSession(await startAnswering(() => ok()), { decide: () => REFUSE, limits }, async (session, lane) => {
    const stream = session.request({ ':method': 'POST', ':path': '/', 'content-length': '100000000' });
    const chunk = Buffer.alloc(65_536);
    const send = setInterval(() => stream.write(chunk), 5);
    const answer = await resultOf(stream);
    clearInterval(send);
    assert.is(answer.status, 401);
    assert.is(answer.body.toString(), 'No.\n');
    assert.is(answer.code, NO_ERROR);
    await lane.finished(1);
    const received = lane.records[0]?.bytesReceived ?? 0;
    assert.ok(received < 1_000_000, `${received} bytes were read`);
    assert.is((await ask(session, {})).status, 401, 'the session goes on');
  });
});

test('a change of the policy cuts the streams that are not allowed any more, and no others', async () => {
  let isOpen = true;
  const decide: TestLaneOptions['decide'] = ({ path }) => (isOpen || path === '/mine' ? FORWARD : REFUSE);
  const checked = Promise.withResolvers<void>();
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await checked.promise;
    connection.write('world');
  });
  await withSession(origin, { decide }, async (session, lane) => {
    const [lent, mine] = ['/lent', '/mine'].map((path) => session.request({ ':path': path }));
    const results = [resultOf(lent as never), resultOf(mine as never)];
    await Promise.all([once(lent as never, 'data'), once(mine as never, 'data')]);
    isOpen = false;
    assert.is(await lane.lane.recheck(), 1);
    checked.resolve();
    const [cut, whole] = await Promise.all(results);
    assert.is(cut?.code, INTERNAL_ERROR);
    assert.is(whole?.code, NO_ERROR);
    assert.match(whole?.body.toString() ?? '', 'world');
  });
});

test('draining says so, lets what runs finish, and takes nothing new', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    await new Promise((resolve) => setTimeout(resolve, 300));
    connection.write(ok('whole'));
  });
  await withSession(origin, {}, async (session, lane) => {
    const idle = await openSession(lane.tlsPort);
    const running = ask(session);
    await lane.asked(1);
    const [goAway, idleEnd] = [once(session, 'goaway'), once(idle, 'close')];
    const drained = inTime(3_000, lane.lane.drain(5_000));
    const [code] = await goAway;
    assert.is(code, NO_ERROR);
    const late = await ask(session).catch(() => undefined);
    assert.is.not(late?.status, 200);
    const answer = await running;
    assert.is(answer.code, NO_ERROR);
    assert.is(answer.body.toString(), 'whole');
    await Promise.all([drained, idleEnd]);
    assert.is(lane.lane.counters.connections, 0);
  });
});

test('draining cuts what does not finish in time', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withSession(origin, {}, async (session, lane) => {
    const running = ask(session);
    await lane.asked(1);
    await lane.lane.drain(200);
    assert.is(lane.lane.counters.connections, 0, 'it has waited for the end of what it has cut');
    assert.is.not((await running).code, undefined);
    assert.is(lane.lane.counters.requestsInFlight, 0);
  });
});

test('a session without a request ends after its time, however busily it pings', async () => {
  const limits = { headTimeoutMs: 1_000, keepAliveTimeoutMs: 1_000 };
  await withSession(await startAnswering(() => ok()), { limits }, async (session, lane) => {
    const ended = once(session, 'close');
    const ping = setInterval(() => !session.destroyed && session.ping(() => {}), 30);
    assert.is((await ask(session)).status, 200);
    await ended;
    clearInterval(ping);
    const silent = await FrameClient.connect(lane.tlsPort);
    await silent.raw.closed();
  });
});

test('a session lives as long as a request on it', async () => {
  const limits = { headTimeoutMs: 600, keepAliveTimeoutMs: 600 };
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    await new Promise((resolve) => setTimeout(resolve, 1_800));
    connection.write(ok('late'));
  });
  await withSession(origin, { limits }, async (session) => {
    assert.is((await ask(session)).body.toString(), 'late');
  });
});

test('an answer that is not read ends after its idle time, while another on the same connection goes on', async () => {
  const origin = await startOrigin(async (connection) => {
    const { target } = await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const chunk = Buffer.alloc(target === '/big' ? 1 << 20 : 1000);
    while (!connection.isClosed) {
      if (connection.socket.writableLength < 1 << 21) connection.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  await withSession(origin, { limits: { answerIdleTimeoutMs: 500 } }, async (session, lane) => {
    const stalled = session.request({ ':path': '/big' });
    const flowing = session.request({ ':path': '/small' });
    flowing.on('data', () => {});
    flowing.on('error', () => {});
    const end = resultOf(stalled);
    stalled.pause();
    await lane.finished(1);
    assert.is(lane.records[0]?.path, '/big');
    assert.is(flowing.closed, false);
    stalled.resume();
    assert.is((await end).code, INTERNAL_ERROR);
    flowing.close(CANCEL);
  });
});

test('a client that stops reading and then vanishes is noticed; one that only reads late gets everything', async () => {
  const size = 24_000_000;
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`).write(Buffer.alloc(size));
  });
  await withLane(origin, { limits: { goneCheckMs: 100 } }, async (lane) => {
    const settings = setting(INITIAL_WINDOW_SIZE, WIDE_OPEN);
    const clients = [
      await FrameClient.connect(lane.tlsPort, settings),
      await FrameClient.connect(lane.tlsPort, settings),
    ];
    for (const client of clients) {
      client.send(FRAME.WINDOW_UPDATE, 0, 0, uint32(WIDE_OPEN - 65_535)).sendHead(1);
      await client.readUntil(({ type }) => type === FRAME.DATA);
      client.raw.socket.pause().removeAllListeners('data');
    }
    const [gone, late] = clients;
    await stalled(origin);
    gone?.destroy();
    await inTime(3_000, lane.finished(1));
    assert.is(lane.records[0]?.aborted, true);
    while (lane.lane.counters.connections > 1) await new Promise((resolve) => setTimeout(resolve, 10));
    late?.raw.socket.resume();
    await lane.finished(2);
    assert.is(lane.records[1]?.aborted, false);
    late?.destroy();
  });
});

test('a client that goes with a stream of events open leaves neither stream nor connection behind', async () => {
  const streams = new EventStreams({ partsOf: () => ({ lights: 'green' }) });
  const page = ({ response, peer }: PageAsk) => void streams.open(response, peer.address, 'lights');
  const decision: Decision = { action: 'page', rule: 'gateway-page', page: 'events', scope: 'lights' };
  await withLane(await startAnswering(() => ok()), { page, decide: () => decision }, async (lane) => {
    const session = await openSession(lane.tlsPort);
    const followed = [1, 2, 3].map(() => session.request({ ':path': '/.lockgate/events' }).on('error', () => {}));
    await Promise.all(followed.map((stream) => once(stream, 'response')));
    assert.is(streams.size, 3);
    session.destroy();
    await until(() => streams.size === 0, 'no stream is left');
  });
});

/** Resolves when nothing more flows from the server: the gateway is in the middle of writes that do not end. */
async function stalled(origin: Origin): Promise<void> {
  const waiting = () => origin.connections.reduce((sum, { socket }) => sum + socket.writableLength, 0);
  for (let before = -1; before !== waiting(); ) {
    before = waiting();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

test.run();
