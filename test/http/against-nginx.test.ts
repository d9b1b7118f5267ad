/** nginx behind the lane, curl in front of it: ranges, conditions, and a gibibyte that must arrive bit for bit without being kept. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startLane, type TestLane } from '../support/full-lane.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { connectRaw } from '../support/raw.ts';

const GIBIBYTE = 2 ** 30;
const run = promisify(execFile);
const test = suite<{ nginx: Nginx; lane: TestLane }>('against nginx');

test.before(async (context) => {
  context.nginx = await startNginx();
  context.lane = await startLane({ upstream: context.nginx.port });
  writeFileSync(join(context.nginx.root, 'small'), '0123456789');
});

test.after(async ({ nginx, lane }) => {
  await lane.close();
  await nginx.stop();
});

/** A file of `bytes` whose content is different everywhere that is written, and holes in between: quick to make, hard to fake. */
function makeFile(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  for (let position = 0; position < bytes; position += 1_000_003) {
    writeSync(
      file,
      createHash('sha512').update(String(position)).digest(),
      0,
      Math.min(64, bytes - position),
      position,
    );
  }
  closeSync(file);
}

/** Hashes outside of this process, whose memory is under test. */
async function hashOf(path: string): Promise<string> {
  return hashIn((await run('b2sum', [path])).stdout);
}

/** The BLAKE2 hash of what curl receives. */
async function hashOverCurl(...parameters: string[]): Promise<string> {
  const pipe = 'set -o pipefail; curl -sSkf -m 120 "$@" | b2sum';
  return hashIn((await run('bash', ['-c', pipe, 'curl', ...parameters])).stdout);
}

function hashIn(line: string): string {
  return line.split(' ', 1)[0] ?? '';
}

async function curl(...parameters: string[]): Promise<string> {
  return (await run('curl', ['-sSk', '-m', '120', ...parameters])).stdout;
}

test('a gibibyte arrives bit for bit, and memory stays flat', async ({ nginx, lane }) => {
  const file = join(nginx.root, 'gibibyte');
  makeFile(file, GIBIBYTE);
  const expected = hashOf(file);
  let highest = 0;
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 50);
  const before = process.memoryUsage().rss;
  const received = await hashOverCurl(`http://127.0.0.1:${lane.port}/gibibyte`);
  clearInterval(watch);
  assert.is(received, await expected);
  assert.is(lane.records.at(-1)?.status, 200);
  assert.ok((lane.records.at(-1)?.bytesSent ?? 0) > GIBIBYTE);
  const grown = (highest - before) / 2 ** 20;
  assert.ok(grown < 150, `resident memory grew by ${grown.toFixed(0)} MiB`);
});

test('a file arrives bit for bit over TLS, to several clients at once, one of them slow', async ({ nginx, lane }) => {
  const file = join(nginx.root, 'film');
  makeFile(file, 48 * 2 ** 20);
  const url = `https://127.0.0.1:${lane.tlsPort}/film`;
  const received = await Promise.all([
    hashOverCurl(url),
    hashOverCurl(url),
    hashOverCurl('--limit-rate', '16M', url),
    hashOverCurl('--http1.0', url),
    hashOverCurl(`http://127.0.0.1:${lane.port}/film`),
  ]);
  const expected = await hashOf(file);
  for (const hash of received) assert.is(hash, expected);
});

test('ranges arrive as asked for', async ({ nginx, lane }) => {
  const url = `http://127.0.0.1:${lane.port}/small`;
  assert.is(await curl('-r', '2-4', url), '234');
  assert.is(await curl('-r', '-3', url), '789');
  assert.is(await curl('-r', '7-', '-w', '%{http_code} %header{content-range}', url), '789206 bytes 7-9/10');
  assert.is(await curl('-r', '20-', '-o', '/dev/null', '-w', '%{http_code}', url), '416');
  assert.match(await curl('-r', '0-1,8-9', url), /Content-Range: bytes 8-9\/10\r\n\r\n89/);
  const direct = await curl('-r', '0-1', '-D', '-', `http://127.0.0.1:${nginx.port}/small`);
  const through = await curl('-r', '0-1', '-D', '-', url);
  const withoutHops = (text: string) => text.replace(/^(?:connection|keep-alive|date):.*\r\n/gim, '');
  assert.is(withoutHops(through), withoutHops(direct));
});

test('conditions are answered with 304, and the connection goes on', async ({ lane }) => {
  const url = `http://127.0.0.1:${lane.port}/small`;
  const etag = await curl('-o', '/dev/null', '-w', '%header{etag}', url);
  const answers = await curl('-w', '%{http_code} %{num_connects}\n', '-H', `If-None-Match: ${etag}`, url, url);
  assert.is(answers, '304 1\n304 0\n');
});

test('HEAD has the head of GET and no body, and the connection goes on', async ({ lane }) => {
  const client = await connectRaw({ port: lane.port });
  client.write('HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n');
  const head = await client.readAnswer('HEAD');
  assert.is(head.header('content-length'), '10');
  client.write('GET /small HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.is((await client.readAnswer()).body.toString(), '0123456789');
  client.destroy();
});

test('uploads arrive bit for bit: with a length, in chunks, with and without Expect, over both schemes', async ({
  nginx,
  lane,
}) => {
  const file = join(nginx.root, 'upload');
  makeFile(file, 24 * 2 ** 20);
  const expected = await hashOf(file);
  const forms = [[], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect: 100-continue'], ['-H', 'Expect:']];
  for (const [index, form] of forms.entries()) {
    const scheme = index % 2 === 0 ? `http://127.0.0.1:${lane.port}` : `https://127.0.0.1:${lane.tlsPort}`;
    const status = await curl('-T', file, '-w', '%{http_code}', ...form, `${scheme}/uploaded-${index}`);
    assert.is(status, '201');
    assert.is(await hashOf(join(nginx.root, `uploaded-${index}`)), expected);
  }
});

test('an upload of a quarter of a gibibyte is not kept in memory', async ({ nginx, lane }) => {
  const file = join(nginx.root, 'large-upload');
  makeFile(file, GIBIBYTE / 4);
  let highest = 0;
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 50);
  const before = process.memoryUsage().rss;
  const status = await curl('-T', file, '-w', '%{http_code}', `http://127.0.0.1:${lane.port}/large-uploaded`);
  clearInterval(watch);
  assert.is(status, '201');
  assert.is(statSync(join(nginx.root, 'large-uploaded')).size, GIBIBYTE / 4);
  const grown = (highest - before) / 2 ** 20;
  assert.ok(grown < 150, `resident memory grew by ${grown.toFixed(0)} MiB`);
});

test('an empty upload arrives empty', async ({ nginx, lane }) => {
  const status = await curl('-X', 'PUT', '-w', '%{http_code}', '-d', '', `http://127.0.0.1:${lane.port}/empty`);
  assert.is(status, '201');
  assert.is(readFileSync(join(nginx.root, 'empty')).length, 0);
});

test('connections to the server are kept and used again', async ({ lane }) => {
  const url = `http://127.0.0.1:${lane.port}/small`;
  assert.is(await curl('-w', ' %{num_connects} ', url, url, url), '0123456789 1 0123456789 0 0123456789 0 ');
});

test.run();
