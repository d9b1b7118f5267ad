/** What docs/access.md tells people to write and to type, written and typed: a recipe that does not work is worse than none. */
import '../support/own-network.ts';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { curl } from '../support/curl.ts';
import { freePort } from '../support/free-port.ts';
import { GuardedHome } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { startPlexAccount } from '../support/plex-account.ts';
import { Installation } from '../support/program.ts';
import { untilListening } from '../support/until-listening.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/access.md'), 'utf8');
const STATE_FOLDER = '/var/lib/lockgate';
const PORT_IN_DOCUMENT = '32443';
const VIEWER_TOKEN = 'viewer-token-1234567';

const test = suite<{ closers: (() => Promise<unknown>)[] }>('recipes');

test.before.each((context) => {
  context.closers = [];
});
test.after.each(async ({ closers }) => {
  for (const close of closers.reverse()) await close();
});

/** The fenced blocks of one language, without the indentation of the list that they stand in. */
function blocks(language: string): string[] {
  const fences = DOCUMENT.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, 'gm'));
  return [...fences].map(([, indentation = '', text = '']) => text.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''));
}

/** The commands of the console blocks, each with what it is said to print. */
function commands(): { command: string; printed: string }[] {
  return blocks('console').flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => ({ command: part.slice(0, part.indexOf('\n')), printed: part.slice(part.indexOf('\n') + 1) })),
  );
}

/** `…` stands for anything in a line, and alone for any lines. */
function asPattern(printed: string): RegExp {
  const lines = printed.trimEnd().split('\n');
  const patterns = lines.map((line) => {
    if (line === '…') return '(?:.*\\n)*?';
    return `${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*')}\\n`;
  });
  return new RegExp(`^${patterns.join('')}`);
}

test('every file is one that check accepts', async ({ closers }) => {
  const installation = new Installation();
  closers.push(() => installation.remove());
  mkdirSync(installation.stateDir);
  writeFileSync(join(installation.stateDir, 'server-token'), `${VIEWER_TOKEN}\n`);
  const files = blocks('toml');
  assert.ok(files.length > 8);
  for (const file of files) {
    const kind = file.includes('sign_in_networks') ? '[server]\nkind = "jellyfin"\n' : '';
    installation.configure(kind + file.replaceAll(STATE_FOLDER, installation.stateDir));
    const outcome = await installation.command(['check']);
    assert.is(outcome.status, 0, `${file}\n${outcome.stdout}${outcome.stderr}`);
  }
});

test('every command prints what it is said to print', async ({ closers }) => {
  const account = await startPlexAccount();
  closers.push(() => account.close());
  const guarded = await GuardedHome.start({
    server: `account_url = "${account.url}"`,
    tokens: [OWNER_TOKEN, VIEWER_TOKEN],
  });
  closers.push(() => guarded.close());
  account.accounts.set(VIEWER_TOKEN, { name: 'the children', home: false, servers: [guarded.plex.machineIdentifier] });
  account.on('request', () => {
    for (const [id, { code }] of account.pins) account.pins.set(id, { code, token: VIEWER_TOKEN });
  });
  const listed = commands();
  assert.equal(
    listed.map(({ command }) => command.split(' ').slice(0, 2).join(' ')),
    ['lockgate login', 'lockgate status', 'lockgate hash-pin', 'lockgate status', 'lockgate explain'],
  );
  for (const { command, printed } of listed) {
    const refused = command.endsWith('status') ? /fd00::1c2b|192\.168\.1\.77/.exec(printed)?.[0] : undefined;
    if (refused !== undefined) await guarded.ask(refused, '/library/sections');
    const [, ...argv] = command.split(' ');
    const { stdout } = await guarded.home.installation.command(argv, '2468\n');
    assert.match(stdout.replaceAll(guarded.home.installation.stateDir, STATE_FOLDER), asPattern(printed));
  }
});

/** An address of this machine that is not loopback: a client whom a proxy on this machine can tell from itself. */
const OWN_ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

interface Proxy {
  readonly program: string;
  /** Its whole configuration, with the block of the document in it. */
  configuration(block: string, port: number): string;
  argv(file: string): string[];
}

const PROXIES: Readonly<Record<string, Proxy>> = {
  nginx: {
    program: 'nginx',
    configuration: (block, port) => `daemon off; master_process off; pid /dev/null; error_log stderr crit;
events {}
http {
  access_log off;
  client_body_temp_path /tmp; proxy_temp_path /tmp; fastcgi_temp_path /tmp; uwsgi_temp_path /tmp; scgi_temp_path /tmp;
  server { listen ${OWN_ADDRESS}:${port}; ${block} }
}`,
    argv: (file) => ['-c', file],
  },
  caddy: {
    program: 'caddy',
    configuration: (block, port) => `{
  admin off
  auto_https off
}
http://:${port} {
  bind ${OWN_ADDRESS}
  ${block}
}`,
    argv: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  },
  haproxy: {
    program: 'haproxy',
    configuration: (block, port) => `defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen films
  bind ${OWN_ADDRESS}:${port}
  ${block}`,
    argv: (file) => ['-db', '-f', file],
  },
};

for (const [language, proxy] of Object.entries(PROXIES)) {
  test(`${language} in front: the gateway knows who asks, and nobody can be somebody else`, async ({ closers }) => {
    const isThere = spawnSync('sh', ['-c', `command -v ${proxy.program}`]).status === 0;
    if (!isThere || OWN_ADDRESS === undefined)
      return console.log(`skipped: ${language} in front (it is not installed)`);
    const guarded = await GuardedHome.start({ tokens: [OWNER_TOKEN, VIEWER_TOKEN] });
    closers.push(() => guarded.close());
    const { port } = guarded.gateway;
    const [block = ''] = blocks(language);
    const behind = behindProxy(guarded, language);
    await behind(`allowed_networks = "${OWN_ADDRESS}"`);
    const front = await startProxy(guarded, proxy, block.replace(PORT_IN_DOCUMENT, String(port)));
    closers.push(() => front.stop());
    const ask = (...args: string[]) => curl(...args, '-H', 'Host: films.example.org', `${front.url}/library/sections`);
    assert.is((await ask()).status, 200);
    assert.equal(guarded.lastReached.values('x-forwarded-for'), [OWN_ADDRESS]);
    const socket = new WebSocket(`${front.url.replace('http', 'ws')}/:/websockets/notifications`);
    await once(socket, 'message');
    socket.terminate();
    await behind('allowed_networks = "192.168.7.50"');
    assert.is((await ask('-H', 'X-Forwarded-For: 192.168.7.50')).status, 401);
    assert.is((await ask('-H', `X-Plex-Token: ${OWNER_TOKEN}`)).status, 200);
  });
}

/** Puts the document's own file for this proxy to use, with `access` added. */
function behindProxy(guarded: GuardedHome, language: string): (access: string) => Promise<void> {
  const key = language === 'haproxy' ? 'proxy_protocol_from' : 'trusted_proxies';
  const file = blocks('toml').find((block) => block.includes(key)) ?? '';
  const lines = file.split('\n').filter((line) => line.includes(' = '));
  const { installation, toml } = guarded.home;
  return async (access) => {
    const listen = language === 'haproxy' ? lines.join('\n') : '';
    const more = `[access]\n${language === 'haproxy' ? 'allowed_hosts = ["films.example.org"]' : lines.join('\n')}\n${access}\n`;
    const text = toml(more).replace('[server]', `[server]\ntoken = "${VIEWER_TOKEN}"`);
    installation.configure(text.replace('[listen]', `[listen]\n${listen}`));
    const outcome = await installation.command(['reload']);
    assert.is(outcome.status, 0, outcome.stderr);
  };
}

async function startProxy(
  guarded: GuardedHome,
  { program, configuration, argv }: Proxy,
  block: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const file = join(guarded.home.installation.folder, `${program}.conf`);
  writeFileSync(file, configuration(block, port));
  const child = spawn(program, argv(file), { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  await untilListening(OWN_ADDRESS, port, child).catch(() => {
    throw new Error(`${program} does not start: ${complaint}`);
  });
  const stop = async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return { url: `http://${OWN_ADDRESS}:${port}`, stop };
}

test.run();
