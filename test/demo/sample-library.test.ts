import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startSampleLibrary } from '../../src/demo/sample-library.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const test = suite('sample library');
let library: Awaited<ReturnType<typeof startSampleLibrary>>;

test.before(async () => {
  library = await startSampleLibrary();
});
test.after(() => library.close());

async function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<Answer> {
  const outgoing = request({
    host: '127.0.0.1',
    port: library.port,
    path,
    agent: false,
    method: options.method ?? 'GET',
    headers: options.headers ?? {},
  });
  outgoing.end(options.body);
  const [incoming] = await once(outgoing, 'response');
  return { status: incoming.statusCode, headers: incoming.headers, body: await buffer(incoming) };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('listens on loopback only', async () => {
  const socket = connect(library.port, '127.0.0.2');
  const [error] = await once(socket, 'error');
  assert.is(error.code, 'ECONNREFUSED');
});

test('shows a page that loads nothing from elsewhere', async () => {
  const page = await ask('/');
  assert.is(page.status, 200);
  assert.match(page.headers['content-type'] ?? '', 'text/html');
  assert.not.match(String(page.headers['content-security-policy']), 'unsafe-inline');
  assert.not.match(page.body.toString(), /(?:src|href)="(?:https?:)?\/\//);
});

test('serves every picture that the page shows, and each parses as SVG without a foreign reference', async () => {
  const page = (await ask('/')).body.toString();
  const pictures = Array.from(page.matchAll(/<img src="([^"]+)"/g), (match) => match[1] ?? '');
  assert.ok(pictures.length >= 5);
  for (const path of pictures) {
    const picture = await ask(path);
    assert.is(picture.headers['content-type'], 'image/svg+xml', path);
    assert.match(picture.body.toString(), /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.not.match(picture.body.toString(), /NaN|undefined|href=|<script/, path);
  }
});

test('draws the same pictures and plays the same music at every start', async () => {
  const again = await startSampleLibrary();
  const here = await ask('/posters/night-ferry.svg');
  const there = await fetch(`http://127.0.0.1:${again.port}/posters/night-ferry.svg`);
  assert.is(there.headers.get('etag'), here.headers.etag);
  assert.ok(Buffer.from(await there.arrayBuffer()).equals(here.body));
  await again.close();
});

test('answers HEAD as GET, without the body, and without heeding a Range', async () => {
  const whole = await ask('/melody.wav');
  const head = await ask('/melody.wav', { method: 'HEAD', headers: { Range: 'bytes=0-9' } });
  assert.is(head.status, 200);
  assert.is(head.body.length, 0);
  for (const name of ['content-length', 'content-type', 'etag', 'accept-ranges'])
    assert.is(head.headers[name], whole.headers[name], name);
  assert.is(Number(head.headers['content-length']), whole.body.length);
});

test('the parts that a player seeks put together are the whole, by hash', async () => {
  const whole = (await ask('/melody.wav')).body;
  const parts: Buffer[] = [];
  const cuts = [0, 1, 45, 1_000_003, 3_333_333, whole.length];
  for (const [index, start] of cuts.slice(0, -1).entries()) {
    const last = (cuts[index + 1] ?? 0) - 1;
    const part = await ask('/melody.wav', { headers: { Range: `bytes=${start}-${last}` } });
    assert.is(part.status, 206);
    assert.is(part.headers['content-range'], `bytes ${start}-${last}/${whole.length}`);
    assert.is(Number(part.headers['content-length']), last - start + 1);
    parts.push(part.body);
  }
  assert.is(sha256(Buffer.concat(parts)), sha256(whole));
});

test('seeks from the end and to the end', async () => {
  const whole = (await ask('/melody.wav')).body;
  const tail = await ask('/melody.wav', { headers: { Range: 'bytes=-1000' } });
  const rest = await ask('/melody.wav', { headers: { Range: `bytes=${whole.length - 1000}-` } });
  assert.is(tail.status, 206);
  assert.ok(tail.body.equals(whole.subarray(-1000)));
  assert.ok(rest.body.equals(tail.body));
});

test('says 416 with the true size to a range beyond the end', async () => {
  const answer = await ask('/melody.wav', { headers: { Range: 'bytes=99999999-' } });
  assert.is(answer.status, 416);
  assert.is(answer.headers['content-range'], 'bytes */5760044');
});

test('sends the whole when If-Range names another version', async () => {
  const stale = await ask('/film.svg', { headers: { Range: 'bytes=0-9', 'If-Range': '"older"' } });
  assert.is(stale.status, 200);
  const fresh = await ask('/film.svg', { headers: { Range: 'bytes=0-9', 'If-Range': stale.headers.etag ?? '' } });
  assert.is(fresh.status, 206);
  assert.is(fresh.body.length, 10);
});

test('says 304 without a body to those who have it already', async () => {
  const first = await ask('/melody.wav', { method: 'HEAD' });
  for (const tag of [first.headers.etag ?? '', `W/${first.headers.etag}, "other"`, '*']) {
    const again = await ask('/melody.wav', { headers: { 'If-None-Match': tag, Range: 'bytes=0-1' } });
    assert.is(again.status, 304, tag);
    assert.is(again.body.length, 0);
    assert.is(again.headers.etag, first.headers.etag);
  }
  assert.is((await ask('/melody.wav', { method: 'HEAD', headers: { 'If-None-Match': '"other"' } })).status, 200);
});

test('says how the visitor came, in the words of the gateway', async () => {
  const headers = { 'X-Forwarded-For': '192.168.1.42', 'X-Forwarded-Proto': 'https', Host: 'films.example' };
  const visitor = JSON.parse((await ask('/visitor', { headers })).body.toString());
  assert.equal(visitor, { address: '192.168.1.42', protocol: 'https', host: 'films.example', throughGateway: true });
});

test('says so when there is no gateway in between', async () => {
  const visitor = JSON.parse((await ask('/visitor')).body.toString());
  assert.equal(visitor, {
    address: '127.0.0.1',
    protocol: 'http',
    host: `127.0.0.1:${library.port}`,
    throughGateway: false,
  });
});

test('counts and hashes an upload of several megabytes', async () => {
  const body = randomBytes(5_000_000);
  const answer = await ask('/upload', { method: 'POST', body });
  assert.equal(JSON.parse(answer.body.toString()), { bytes: body.length, sha256: sha256(body) });
});

test('counts an upload whose length is not announced', async () => {
  const answer = await ask('/upload', {
    method: 'POST',
    headers: { 'Transfer-Encoding': 'chunked' },
    body: Buffer.from('abc'),
  });
  assert.equal(JSON.parse(answer.body.toString()), { bytes: 3, sha256: sha256(Buffer.from('abc')) });
});

test('outlives a client that leaves in the middle of an upload or of the music', async () => {
  for (const head of [
    'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc',
    'GET /melody.wav HTTP/1.1\r\nHost: x\r\n\r\n',
  ]) {
    const socket = connect(library.port, '127.0.0.1');
    socket.write(head);
    if (head.startsWith('GET')) await once(socket, 'data');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  assert.is((await ask('/')).status, 200);
});

test('pushes the time every second over one connection', async () => {
  const outgoing = request({ host: '127.0.0.1', port: library.port, path: '/clock', agent: false }).end();
  const [incoming] = await once(outgoing, 'response');
  assert.is(incoming.headers['content-type'], 'text/event-stream');
  let said = '';
  for await (const chunk of incoming) {
    said += chunk;
    if (said.split('\n\n').length > 2) break;
  }
  assert.match(said, /^data: \{"time":"\d\d:\d\d:\d\d","seconds":0\}\n\ndata: .*"seconds":1\}\n\n$/);
});

test('refuses other methods and says which are allowed', async () => {
  for (const [method, path, allowed] of [
    ['POST', '/', 'GET, HEAD'],
    ['DELETE', '/melody.wav', 'GET, HEAD'],
    ['GET', '/upload', 'POST'],
    ['POST', '/clock', 'GET'],
  ] as const) {
    const answer = await ask(path, { method });
    assert.is(answer.status, 405, path);
    assert.is(answer.headers.allow, allowed);
  }
});

test('says 404 to anything else', async () => {
  for (const path of ['/posters/', '/melody.wav/', '/../etc/passwd', '/constructor'])
    assert.is((await ask(path)).status, 404, path);
});

test('closes while a connection is open', async () => {
  const other = await startSampleLibrary();
  const socket = connect(other.port, '127.0.0.1');
  socket.write('GET /clock HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  const ended = once(socket, 'close');
  await other.close();
  await ended;
});

test.run();
