/** `100 Continue` before the policy has decided invites a stranger to send gigabytes. */
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { FORWARD, REFUSE, withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';

test('a refused upload is never invited: the refusal comes first, and the connection closes', async () => {
  const origin = await startAnswering(() => ok());
  const limits = { refusedBodyTimeoutMs: 200 };
  await withLane(origin, { decide: () => REFUSE, limits }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(HEAD);
    const answer = await client.readAnswer();
    assert.is(answer.status, 401);
    assert.is(answer.header('connection'), 'close');
    await client.closed();
    assert.is(client.text, '');
    assert.equal(origin.connections, []);
  });
});

test('100 Continue waits for the decision, and the body arrives', async () => {
  let decide: (decision: Decision) => void = () => {};
  const origin = await startAnswering((request) => ok(`${request.body} ${request.header('expect')}`));
  await withLane(origin, { decide: () => new Promise((resolve) => (decide = resolve)) }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(HEAD);
    await lane.asked(1);
    await delay(50);
    assert.is(client.text, '', 'silence until the policy has decided');
    decide(FORWARD);
    assert.is(await client.readUntil('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
    client.write('hello');
    assert.is((await client.readAnswer()).body.toString(), 'hello undefined');
    client.destroy();
  });
});

test('a client that does not wait for the 100 is served all the same', async () => {
  const origin = await startAnswering((request) => ok(request.body.toString()));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`${HEAD}hello`);
    await client.readUntil('100 Continue\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), 'hello');
    client.destroy();
  });
});

test.run();
