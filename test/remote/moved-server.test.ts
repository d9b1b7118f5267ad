/** A media server whose address changed: followed within a minute when it shows its known certificate, reported in any case. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { moveCheck } from '../../src/gateway/move-check.ts';
import {
  configure,
  MINUTE_MS,
  moveServer,
  renewCertificate,
  runKnowing,
  serverAddress,
  withKnownServer,
} from '../support/moving-server.ts';
import { inNamespaces } from '../support/netns.ts';

const moved = suite('moved server');
const test = inNamespaces(moved);

test('it is followed within a minute, and the router is named as the place to reserve the address', () =>
  withKnownServer('', async (home) => {
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

test('it is known by the certificate in force, after a reload that changed how certificates are found', () =>
  withKnownServer('', async (home) => {
    const gateway = await runKnowing(home);
    configure(home, '[certificate]\nprofile = "legacy"\n');
    const reload = await home.command('reload');
    assert.is(reload.status, 0, reload.stderr);
    const renewed = renewCertificate(home);
    await gateway.line((line) => line['fingerprint'] === renewed, 20_000);
    await moveServer(home);
    await gateway.line((line) => /has moved/.test(String(line['message'])), MINUTE_MS);
  }));

test('an address that the file names is not left, but the server is found and the line to change is told', () =>
  withKnownServer('url = "http://192.168.7.20:32400"\n', async (home) => {
    const gateway = await runKnowing(home);
    await moveServer(home);
    await gateway.line((line) => /seems to answer at another address/.test(String(line['message'])), MINUTE_MS);
    const check = await serverAddress(home, 'status');
    assert.is(check?.verdict, 'fault');
    assert.match(check?.remedy ?? '', '[server] url = "http://192.168.7.30:32400"');
    const doctor = await serverAddress(home, 'doctor');
    assert.match(doctor?.evidence ?? '', 'seems to answer at http://192.168.7.30:32400 now');
  }));

moved('on OpenWrt the lines to paste are told', () => {
  const move = { from: 'http://192.168.7.20:32400', to: 'http://192.168.7.30:32400', at: 0, isFollowed: true };
  const lines = moveCheck(move, true)?.remedy ?? '';
  assert.match(lines, /uci add dhcp host; .*dhcp\.@host\[-1\]\.ip='192\.168\.7\.30'; uci commit dhcp; /);
});

moved.run();
