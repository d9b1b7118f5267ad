/** http-proxy merges `//` and turns `\` into `/`: the policy judges one path, the server serves another. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const TARGETS = [
  '//evil.example/admin',
  '///a//b',
  '/a//b?c//d',
  '/a\\b',
  '/\\evil.example',
  '/http:/x',
  '/https://x/y',
  '/a/../b/./c',
  '/%2e%2e/%2F%5c%00',
  '/a;b=c',
  '/a?',
  '/?',
  '/a?b?c?d',
  '/a?url=http://x//y',
  '/"<>^`{|}',
  "/'()*!$&,:@[]~",
  '/a?b=%zz',
];

for (const target of TARGETS) {
  test(`${target} arrives byte for byte`, async () => {
    const origin = await startAnswering((request) => ok(request.line));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.is((await client.readAnswer()).body.toString(), `GET ${target} HTTP/1.1`);
      assert.is(lane.decided[0]?.target, target);
      client.destroy();
    });
  });
}

test('the record shows the path without its query', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET /a?X-Plex-Token=secret HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readAnswer();
    await lane.finished(1);
    assert.is(lane.records[0]?.path, '/a');
    assert.not.match(JSON.stringify(lane.records), 'secret');
    client.destroy();
  });
});

test.run();
