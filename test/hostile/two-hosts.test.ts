/** Two Hosts, or one that is not a host: which of them did the policy judge, and which does the server serve? */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const BAD = [
  'Host: a\r\nHost: b',
  'Host: a\r\nHost: a',
  'Host: a\r\nhOST: b',
  'Host: a/b@c',
  'Host: user@a',
  'Host: a b',
  'Host: a, b',
  'Host: a:80:80',
  'Host: a:http',
  'Host: a:99999',
  'Host: a:-1',
  'Host: a:',
  'Host: :80',
  'Host:',
  'Host: http://a',
  'Host: a#',
  'Host: a?b',
  'Host: a\\b',
  'Host: %61',
  'Host: ::1',
  'Host: [::1',
  'Host: [::1]x',
  'Host: [127.0.0.1]',
  'Host: [fe80::1%25eth0]',
  'Host: \xe4',
  `Host: ${'a'.repeat(300)}`,
  'X: no host at all',
];

for (const fields of BAD) {
  test(`${JSON.stringify(fields.slice(0, 40))} is refused`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET / HTTP/1.1\r\n${fields}\r\n\r\n`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 400);
      assert.is(answer.header('x-lockgate-reason'), 'malformed');
      await client.closed();
      assert.equal(origin.connections, []);
    });
  });
}

for (const host of [
  'a',
  'A.example.',
  'a:32400',
  '192.168.1.2',
  '192.168.1.2:443',
  '[::1]',
  '[fd00::1]:32443',
  'my_nas',
  'a--b.c',
]) {
  test(`Host: ${host} is passed on as it is`, async () => {
    const origin = await startAnswering((request) => ok(request.values('host').join()));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.is((await client.readAnswer()).body.toString(), host);
      client.destroy();
    });
  });
}

test('HTTP/1.0 needs no Host; the server gets its own', async () => {
  const origin = await startAnswering((request) => ok(request.values('host').join()));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.0\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), `127.0.0.1:${origin.port}`);
    client.destroy();
  });
});

test.run();
