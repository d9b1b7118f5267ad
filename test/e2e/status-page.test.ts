/** The status page of the running gateway, and the stream that keeps it up to date. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StatusReport } from '../../src/gateway/status.ts';
import { curl } from '../support/curl.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { makePlexHome, type PlexHome, type RunningProgram } from '../support/program.ts';
import { connectRaw, type RawClient } from '../support/raw.ts';

/** What runs is given so long at the end; nobody waits for streams of events. */
const DRAIN_MS = 9_000;

const page = suite<{ home: PlexHome; gateway: RunningProgram }>('status page');

page.before.each(async (context) => {
  context.home = await makePlexHome();
  context.gateway = await context.home.installation.run();
});
page.after.each(({ home }) => home.close());

async function follow(gateway: RunningProgram, tls = false): Promise<RawClient> {
  const client = await connectRaw({ port: gateway.port, ...(tls ? { tls: {} } : {}) });
  client.write('GET /.lockgate/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  assert.match(await client.readUntil('\r\n\r\n'), / 200 /);
  return client;
}

/** Reads on until `part` shows what is wanted; rejects when nothing more comes. */
async function until(client: RawClient, part: string, isWanted: (shown: string) => boolean): Promise<void> {
  for (;;) {
    await client.readUntil('data: ');
    const parts = JSON.parse((await client.readUntil('\n')).trim()) as Record<string, string>;
    const shown = parts[part];
    if (shown !== undefined && isWanted(shown)) return;
  }
}

function shows(client: RawClient, part: string, wanted: RegExp): Promise<void> {
  return until(client, part, (shown) => wanted.test(shown));
}

function showsNoMore(client: RawClient, part: string, unwanted: RegExp): Promise<void> {
  return until(client, part, (shown) => !unwanted.test(shown));
}

page('says who is connected and by which rule, and goes on to say it', async ({ gateway, home }) => {
  const follower = await follow(gateway, true);
  await shows(follower, 'clients', /127\.0\.0\.1[\s\S]*looks at a page of the gateway/);
  const client = await connectRaw({ port: gateway.port, localAddress: '127.0.0.6' });
  client.write(`GET /library/sections HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Plex-Token: ${OWNER_TOKEN}\r\n\r\n`);
  await client.readAnswer();
  await shows(follower, 'clients', /127\.0\.0\.6[\s\S]*?at home[\s\S]*?signed in[\s\S]*?<code>valid<\/code>/);
  const { stdout } = await home.installation.command(['status', '--json']);
  const found = (JSON.parse(stdout) as StatusReport).clients.find(({ address }) => address === '127.0.0.6');
  assert.equal(found, {
    address: '127.0.0.6',
    isAtHome: true,
    rule: 'valid',
    connections: 1,
    requests: 0,
    webSockets: 0,
  });
  assert.match(
    (await home.installation.command(['status'])).stdout,
    /connected:\n[\s\S]* {2}127\.0\.0\.6 +by valid +1 connection\n/,
  );
  client.destroy();
  await showsNoMore(follower, 'clients', /127\.0\.0\.6/);
  follower.destroy();
});

page('turns red while it is open when the server goes away, and says so at the lights', async ({ gateway, home }) => {
  const follower = await follow(gateway);
  await showsNoMore(follower, 'headline', /Something is wrong/);
  await home.plex.close();
  await curl('-H', `X-Plex-Token: ${OWNER_TOKEN}`, `http://127.0.0.1:${gateway.port}/library/sections`);
  await shows(follower, 'headline', /Something is wrong/);
  follower.destroy();
});

page('lets nobody wait at the end: streams end in order, and the gateway at once', async ({ gateway }) => {
  const follower = await follow(gateway);
  const startedMs = performance.now();
  gateway.signal('SIGTERM');
  await follower.readUntil('0\r\n\r\n');
  assert.is(await gateway.ended(), 0);
  assert.ok(performance.now() - startedMs < DRAIN_MS);
});

page(
  'goes on over a reload that changes nothing for its visitor, and is cut by one that does',
  async ({ gateway, home }) => {
    const follower = await follow(gateway);
    await shows(follower, 'clients', /127\.0\.0\.1/);
    assert.is((await home.installation.command(['reload'])).status, 0);
    const other = await connectRaw({ port: gateway.port, localAddress: '127.0.0.6' });
    other.write('GET /');
    await shows(follower, 'clients', /127\.0\.0\.6/);
    other.destroy();
    home.installation.configure(home.toml('[access]\ntrusted_proxies = "127.0.0.1"\n'));
    assert.is((await home.installation.command(['reload'])).status, 0);
    await follower.closed();
  },
);

page('and its stream are for those who may see them', async ({ gateway }) => {
  const forwarded = ['-H', 'X-Forwarded-For: 8.8.8.8'];
  for (const path of ['/.lockgate/', '/.lockgate/events']) {
    const answer = await curl(...forwarded, `http://127.0.0.1:${gateway.port}${path}`);
    assert.is(answer.status, 401, path);
    assert.is((await curl('-X', 'POST', `http://127.0.0.1:${gateway.port}${path}`)).status, 405, path);
  }
  const head = await curl('-I', `http://127.0.0.1:${gateway.port}/.lockgate/events`);
  assert.is(head.headers['content-type'], 'text/event-stream; charset=utf-8');
});

page.run();
