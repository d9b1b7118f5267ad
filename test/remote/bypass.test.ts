/** The ways past the gateway, as `doctor` finds them: the server's own port, its announcements, the router, an old certificate. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlexCertificate } from '../support/certificates.ts';
import { type GatewayHome, makeGatewayHome } from '../support/gateway-in-home.ts';
import { evaluateLater } from '../support/home-network.ts';
import { againstMiniupnpd } from '../support/mappers-in-namespace.ts';
import { doctor, STUN } from '../support/remote-status.ts';

const bypass = suite('bypass');
const test = againstMiniupnpd(bypass);
const QUIET = '[remote]\npublic_address = "none"\n[dns]\nenabled = false\n';

async function withHome(story: (home: GatewayHome) => Promise<void>): Promise<void> {
  const home = await makeGatewayHome('public', { holdsCertificate: true });
  try {
    await story(home);
  } finally {
    await home.close();
  }
}

test('a server beside the gateway that answers the whole LAN is a way past it, one on loopback is none', () =>
  withHome(async (home) => {
    home.configure(`[server]\nurl = "http://127.0.0.1:32400"\n${QUIET}`);
    await home.startServerHere('0.0.0.0');
    const open = await doctor(home);
    const check = (name: string, checks = open) => checks.find((candidate) => candidate.name === name);
    assert.is(check('bypass port')?.verdict, 'warning');
    assert.match(check('bypass port')?.evidence ?? '', 'answers other hosts at 192.168.7.2:32400');
    assert.match(check('bypass discovery')?.evidence ?? '', 'are told http://192.168.7.2:32400');
    await home.stopServer();
    await home.startServerHere('127.0.0.1');
    assert.is(check('bypass port', await doctor(home))?.verdict, 'ok');
  }));

test('the gateway at the very port of a server on loopback is no way past itself', () =>
  withHome(async (home) => {
    home.configure(
      `[server]\nurl = "http://127.0.0.1:32400"\n[listen]\naddresses = ["192.168.7.2"]\nport = 32400\n${QUIET.replace('[dns]', 'discovery = true\n[dns]')}`,
    );
    await home.startServerHere('127.0.0.1');
    const gateway = await home.run();
    await gateway.line((line) => line['state'] === 'claimed', 20_000);
    const checks = await doctor(home);
    assert.is(checks.find(({ name }) => name === 'bypass port')?.verdict, 'ok');
    assert.is(
      checks.find(({ name }) => name === 'bypass discovery')?.evidence,
      undefined,
      'what the gateway itself announces',
    );
  }));

test('a port of the router that leads to the server itself is a fault, and one that leads nowhere too', () =>
  withHome(async (home) => {
    await home.startPortMapping();
    await home.startServer();
    home.configure(`[server]\nurl = "http://192.168.7.20:32400"\n[remote]\n${STUN}\n[dns]\nenabled = false\n`);
    const map = (internalPort: number, externalPort: number) => `
      import { NatPmpMapper } from './src/remote/nat-pmp.ts';
      import { wayOut } from './src/remote/way-out.ts';
      const answer = await new NatPmpMapper(wayOut(4)).map({ internalPort: ${internalPort}, externalPort: ${externalPort} }, 3600);
      console.log(JSON.stringify(answer.outcome));`;
    assert.is(await evaluateLater(home.server, map(32400, 21345)), 'mapped');
    assert.is(await evaluateLater(home.host, map(5000, 32443)), 'mapped');
    const checks = await doctor(home);
    const router = checks.find(({ name }) => name === 'bypass router');
    assert.is(router?.verdict, 'fault');
    assert.match(
      router?.evidence ?? '',
      'port 21345 of the router leads from the Internet to the media server itself, 192.168.7.20:32400',
    );
    const misled = checks.find(({ name }) => name === 'port forwarding');
    assert.match(
      misled?.evidence ?? '',
      'port 32443 of the router leads to 192.168.7.2 port 5000, where the gateway is not',
    );
    assert.match(misled?.remedy ?? '', 'change it in the router to 192.168.7.2 port 32443');
  }));

test('a certificate that the server renewed, and the gateway did not get, is a fault at once', () =>
  withHome(async (home) => {
    home.setPreferences({});
    const renewed = makePlexCertificate({ key: 'ec', days: 200 });
    writeFileSync(join(home.folder, 'key.pem'), renewed.keyPem);
    writeFileSync(join(home.folder, 'chain.pem'), renewed.certificatePem + renewed.chainPem);
    await home.startServer();
    home.configure(`[server]\nurl = "http://192.168.7.20:32400"\ndata_dir = "${join(home.folder, 'data')}"\n${QUIET}`);
    const check = (await doctor(home)).find(({ name }) => name === 'server certificate');
    assert.is(check?.verdict, 'fault');
    assert.match(check?.remedy ?? '', /lockgate certificate import/);
  }));

bypass.run();
