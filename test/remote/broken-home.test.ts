/** A home in which nothing works: `doctor` names each fault with its remedy, and once the remedies are followed it finds none. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configuration, makeBrokenHome } from '../support/broken-home.ts';
import { againstMiniupnpd } from '../support/mappers-in-namespace.ts';

interface Check {
  name: string;
  verdict: string;
  evidence: string;
  remedy: string;
}

const broken = suite('broken home');
const hasResolver = spawnSync('dnsmasq', ['--version']).status === 0;
if (!hasResolver) console.log('skipped: a broken home (dnsmasq is not installed)');

const story = async () => {
  const home = await makeBrokenHome();
  const doctor = async () => {
    const { stdout, status } = await home.command('doctor', '--json');
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    const check = (name: string) => checks.find((candidate) => candidate.name.startsWith(name));
    return { checks, check, status };
  };
  try {
    const gateway = await home.run();
    await gateway.line((line) => /seems to answer at another address/.test(String(line['message'])), 60_000);
    const before = await doctor();
    assert.is(before.status, 1);
    assert.equal(
      before.checks.filter(({ verdict }) => verdict === 'fault').map(({ name }) => name),
      ['server', 'server address', 'dns system 192.168.7.1', 'remote access'],
    );
    assert.match(before.check('server address')?.remedy ?? '', 'url = "http://192.168.7.30:32400"');
    assert.match(before.check('dns system')?.evidence ?? '', /rebinding protection/);
    assert.match(
      before.check('nat')?.evidence ?? '',
      /^double NAT: .*10\.0\.0\.2 is private.*Internet sees 9\.0\.0\.2/,
    );
    assert.match(
      before.check('nat')?.remedy ?? '',
      /^one of these, best first: \(1\) put the outer router .*bridge mode/,
    );
    assert.match((await home.command('doctor')).stdout, /\nnext: if that is yours, set \[server\] url = /);

    await home.bridgeOuterRouter();
    await home.letResolverAskGateway();
    home.configure(configuration('auto', join(home.folder, 'data')));
    assert.is((await home.command('reload')).status, 0);
    await gateway.line((line) => line['externalAddress'] === '9.0.0.2' && line['externalPort'] === 32400, 30_000);
    await gateway.line((line) => line['state'] === 'claimed', 30_000);
    assert.is(await home.comeInFromOutside(), 200);
    const after = await doctor();
    assert.is(after.status, 0);
    for (const name of ['server', 'dns system', 'outside port', 'remote access', 'nat', 'port mapping'])
      assert.is(after.check(name)?.verdict, 'ok', `${name}: ${after.check(name)?.evidence}`);
    assert.is(after.check('server address')?.verdict, 'warning');
    assert.is(after.check('bypass port')?.verdict, 'warning');
    assert.is(after.check('bypass discovery')?.verdict, 'warning');
  } finally {
    await home.close();
  }
};
const name = 'doctor before and after: double NAT, a resolver that filters, a server that moved';
if (hasResolver) againstMiniupnpd(broken)(name, story);
else broken.skip(name, story);

broken.run();
