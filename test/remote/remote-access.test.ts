/** The running gateway behind one router: the port is open while it is wanted, and whoever comes in is the proof. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateLater, OUTSIDE, PUBLIC_ADDRESS } from '../support/home-network.ts';
import { againstMiniupnpd, forwarded } from '../support/mappers-in-namespace.ts';
import { doctor, SERVER, STUN, statusOf, statusWhen, withGateway } from '../support/remote-status.ts';

const remote = suite('remote access');
const test = againstMiniupnpd(remote);

test('one NAT: the port is open, a client from outside turns the light green, and the end closes the port', () =>
  withGateway('public', `[remote]\nmap_port = 32400\n${STUN}\n`, async (home, gateway) => {
    const before = await statusWhen(
      home,
      ({ nat, mapping }) => nat.situation === 'one-nat' && mapping.state === 'open',
    );
    assert.is(before.light, 'yellow');
    assert.match(before.reason, /port 32400 is open on the router \(PCP\), but nobody has come in/);
    assert.is(before.publicAddress.address, PUBLIC_ADDRESS);
    assert.equal(forwarded(home), ['32400 192.168.7.2:32443']);
    const answer = await evaluateLater(
      home.outside,
      `const answer = await fetch('http://${PUBLIC_ADDRESS}:32400/identity');
       console.log(JSON.stringify([answer.status, (await answer.text()).includes('machineIdentifier')]));
       process.exit(0);`,
    );
    assert.equal(answer, [200, true]);
    const after = await statusWhen(home, ({ light }) => light === 'green');
    assert.is(after.reached?.address, '9.0.0.1');
    const neighbour = await home.addHost(9);
    const page = neighbour.run('curl', '-sk', 'https://192.168.7.2:32443/.lockgate/');
    assert.match(page, 'Green: somebody came in from outside');
    assert.not.match(page, '9.0.0.1', 'who came in is not for everybody at home');
    const checks = await doctor(home);
    assert.is(checks.find(({ name }) => name === 'remote access')?.verdict, 'ok');
    assert.match(checks.find(({ name }) => name === 'nat')?.evidence ?? '', /^one NAT: .*9\.0\.0\.2/);
    assert.match(
      checks.find(({ name }) => name === 'port mapping')?.evidence ?? '',
      '9.0.0.2:32400 leads to port 32443 here',
    );
    gateway.signal('SIGTERM');
    assert.is(await gateway.ended(), 0);
    assert.equal(forwarded(home), []);
  }));

test('a reload that wants another port closes the former one, and one that wants none closes all', () =>
  withGateway('public', `[remote]\nmap_port = 32400\n${STUN}\n`, async (home) => {
    await statusWhen(home, ({ mapping }) => mapping.state === 'open');
    home.configure(`${SERVER}[remote]\nmap_port = 32401\n${STUN}\n`);
    await home.command('reload');
    await statusWhen(home, ({ mapping }) => mapping.state === 'open');
    assert.equal(forwarded(home), ['32401 192.168.7.2:32443']);
    home.configure(`${SERVER}[remote]\n${STUN}\n`);
    await home.command('reload');
    await statusWhen(home, ({ mapping }) => mapping.state === 'off');
    const deadline = performance.now() + 5000;
    while (forwarded(home).length > 0 && performance.now() < deadline) await statusOf(home);
    assert.equal(forwarded(home), []);
  }));

test('auto asks the account service of a claimed server for the address, once nobody waits for it', () =>
  withGateway('public', `account_url = "http://${OUTSIDE}:8080"\n[remote]\nmap_port = 32400\n`, async (home) => {
    const status = await statusWhen(home, ({ publicAddress }) => publicAddress.state === 'known');
    assert.is(status.publicAddress.address, PUBLIC_ADDRESS);
  }));

remote.run();
