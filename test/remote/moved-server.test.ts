/** A media server whose address changed: followed within a minute when it shows its known certificate, reported in any case. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { moveCheck } from '../../src/gateway/move-check.ts';
import { makePlexCertificate } from '../support/certificates.ts';
import { type GatewayHome, makeGatewayHome } from '../support/gateway-in-home.ts';
import { inNamespaces } from '../support/netns.ts';
import type { RunningProgram } from '../support/program.ts';

const moved = suite('moved server');
const test = inNamespaces(moved);

const QUIET = '[remote]\npublic_address = "none"\n[dns]\nenabled = false\n';
const MINUTE_MS = 60_000;

/** A gateway that knows the server and its certificate. */
async function runKnowing(home: GatewayHome): Promise<RunningProgram> {
  const gateway = await home.run();
  await gateway.line((line) => line['state'] === 'claimed', 20_000);
  await gateway.line((line) => line['source'] === 'server' && line['message'] === 'certificate in use', 20_000);
  return gateway;
}

interface Check {
  name: string;
  verdict: string;
  evidence: string;
  remedy: string;
}

async function withHome(toml: string, story: (home: GatewayHome) => Promise<void>): Promise<void> {
  const home = await makeGatewayHome('public', { holdsCertificate: true });
  try {
    home.setPreferences({});
    await home.startServer();
    home.configure(`[server]\ndata_dir = "${join(home.folder, 'data')}"\n${toml}${QUIET}`);
    await story(home);
  } finally {
    await home.close();
  }
}

/** Gives the server's machine another address, as a router without a reservation does. */
async function moveServer(home: GatewayHome): Promise<void> {
  await home.stopServer();
  home.server.ip('addr del 192.168.7.20/24 dev lan0', 'addr add 192.168.7.30/24 brd + dev lan0');
  await home.startServer('192.168.7.30');
}

async function serverAddress(home: GatewayHome, command: 'doctor' | 'status'): Promise<Check | undefined> {
  const { stdout } = await home.command(command, '--json');
  return (JSON.parse(stdout) as { checks: Check[] }).checks.find(({ name }) => name === 'server address');
}

test('it is followed within a minute, and the router is named as the place to reserve the address', () =>
  withHome('', async (home) => {
    const gateway = await runKnowing(home);
    const started = performance.now();
    await moveServer(home);
    const line = await gateway.line((candidate) => /has moved/.test(String(candidate['message'])), MINUTE_MS);
    assert.ok(performance.now() - started < MINUTE_MS);
    assert.is(line['from'], 'http://192.168.7.20:32400');
    assert.is(line['to'], 'http://192.168.7.30:32400');
    for (const command of ['status', 'doctor'] as const) {
      const check = await serverAddress(home, command);
      assert.is(check?.verdict, 'warning', command);
      assert.match(check?.evidence ?? '', 'moved from 192.168.7.20 to 192.168.7.30');
      assert.match(check?.remedy ?? '', /reserve 192\.168\.7\.30 for it \(hardware address [0-9a-f:]{17}\)/);
    }
    const state = readFileSync(join(home.folder, 'state', 'server.json'), 'utf8');
    assert.match(state, '192.168.7.30');
  }));

test('an address that the file names is not left, but the server is found and the line to change is told', () =>
  withHome('url = "http://192.168.7.20:32400"\n', async (home) => {
    const gateway = await runKnowing(home);
    await moveServer(home);
    await gateway.line((line) => /seems to answer at another address/.test(String(line['message'])), MINUTE_MS);
    const check = await serverAddress(home, 'status');
    assert.is(check?.verdict, 'fault');
    assert.match(check?.remedy ?? '', '[server] url = "http://192.168.7.30:32400"');
    const doctor = await serverAddress(home, 'doctor');
    assert.match(doctor?.evidence ?? '', 'seems to answer at http://192.168.7.30:32400 now');
  }));

test('a machine that only claims to be the server, with another certificate, gets no client', () =>
  withHome('', async (home) => {
    const gateway = await runKnowing(home);
    const other = makePlexCertificate({ key: 'ec' });
    writeFileSync(join(home.folder, 'key.pem'), other.keyPem);
    writeFileSync(join(home.folder, 'chain.pem'), other.certificatePem + other.chainPem);
    await moveServer(home);
    await gateway.line((line) => line['reason'] === 'other-server', MINUTE_MS);
    const check = await serverAddress(home, 'status');
    assert.is(check?.verdict, 'fault');
    assert.match(check?.evidence ?? '', /which is not followed/);
    assert.not.ok(existsSync(join(home.folder, 'state', 'server-moved.json')));
  }));

moved('on OpenWrt the lines to paste are told', () => {
  const move = { from: 'http://192.168.7.20:32400', to: 'http://192.168.7.30:32400', at: 0, isFollowed: true };
  const lines = moveCheck(move, true)?.remedy ?? '';
  assert.match(lines, /uci add dhcp host; .*dhcp\.@host\[-1\]\.ip='192\.168\.7\.30'; uci commit dhcp; /);
});

moved.run();
