/** Remote access as one light: green only with a proof, red only with a reason, and always a sentence. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { remoteChecks } from '../../src/remote/checks.ts';
import { remoteStanding } from '../../src/remote/light.ts';
import { OutsideProof } from '../../src/remote/outside-proof.ts';
import type { MappingProtocol } from '../../src/remote/port-mapper.ts';
import { askPublicAddress } from '../../src/remote/public-address.ts';
import { type PortView, type RemoteFindings, remoteView } from '../../src/remote/view.ts';

const light = suite('remote light');
const HOUR = 3600;

const OPEN: PortView = {
  state: 'open',
  protocol: 'PCP' satisfies MappingProtocol,
  mapping: { internalPort: 32443, externalPort: 32400, externalAddress: '9.0.0.2', leaseSeconds: 3600, isOurs: true },
};
const OFF: PortView = { state: 'off', because: 'map_port = 0', remedy: '' };
const REFUSED: PortView = {
  state: 'refused',
  protocol: 'PCP',
  reason: 'the router says no',
  remedy: 'ask it nicely',
  externalAddress: '10.0.0.2',
};

function viewOf(changes: Partial<RemoteFindings>) {
  return remoteView({
    outsidePort: 32400,
    inside: { address: '192.168.7.2', port: 32443 },
    mapping: OPEN,
    pinhole: OFF,
    wan: { address: '9.0.0.2', isOwn: false, from: 'PCP' },
    publicAddress: { state: 'known', address: '9.0.0.2', from: 'stun' },
    ipv6: undefined,
    reached: undefined,
    ...changes,
  });
}

const lightOf = (changes: Partial<RemoteFindings>) => remoteStanding(viewOf(changes)).light;

light('a client that came in from outside makes it green, and is named with its age', () => {
  const { light: colour, reason } = remoteStanding(viewOf({ reached: { address: '8.8.4.4', secondsAgo: 3 * HOUR } }));
  assert.is(colour, 'green');
  assert.is(reason, '8.8.4.4 came in from outside 3 h ago');
});

light('a fresh proof outweighs a barred way, an old one does not', () => {
  const barred = { wan: { address: '100.64.0.2', isOwn: false, from: 'PCP' } };
  assert.is(lightOf({ ...barred, reached: { address: '8.8.4.4', secondsAgo: HOUR } }), 'green');
  assert.is(lightOf({ ...barred, reached: { address: '8.8.4.4', secondsAgo: 48 * HOUR } }), 'red');
});

light('an old proof counts while nothing speaks against it, for a month', () => {
  assert.is(lightOf({ reached: { address: '8.8.4.4', secondsAgo: 48 * HOUR } }), 'green');
  assert.is(lightOf({ reached: { address: '8.8.4.4', secondsAgo: 800 * HOUR } }), 'yellow');
});

light('an open port without a proof is yellow, with how to prove it', () => {
  const standing = remoteStanding(viewOf({}));
  assert.is(standing.light, 'yellow');
  assert.match(standing.remedy, /phone with Wi-Fi off/);
});

light('one NAT without a mapping says what to forward where', () => {
  const standing = remoteStanding(viewOf({ mapping: OFF }));
  assert.is(standing.light, 'yellow');
  assert.match(standing.remedy, 'forward TCP port 32400 in the router to 192.168.7.2 port 32443');
});

light('double NAT, carrier NAT and a refusal are red', () => {
  assert.is(lightOf({ wan: { address: '10.0.0.2', isOwn: false, from: 'PCP' } }), 'red');
  assert.is(lightOf({ wan: { address: '100.64.0.2', isOwn: false, from: 'PCP' } }), 'red');
  assert.is(lightOf({ mapping: REFUSED, wan: { address: '9.0.0.2', isOwn: false, from: 'PCP' } }), 'red');
});

light('a router that is silent bars nothing: the port may be forwarded by hand', () => {
  const standing = remoteStanding(viewOf({ mapping: { state: 'silent' } }));
  assert.is(standing.light, 'yellow');
  assert.match(standing.remedy, 'forward TCP port 32400');
  assert.is(lightOf({ mapping: { state: 'silent' }, reached: { address: '8.8.4.4', secondsAgo: 48 * HOUR } }), 'green');
});

light('where clients come in all the same, a second router is no warning', () => {
  const changes = { wan: { address: '10.0.0.2', isOwn: false, from: 'PCP' }, mapping: OFF };
  const verdictOf = (secondsAgo: number) =>
    remoteChecks(viewOf({ ...changes, reached: { address: '8.8.4.4', secondsAgo } })).find(({ name }) => name === 'nat')
      ?.verdict;
  assert.is(verdictOf(HOUR), 'ok');
  assert.is(verdictOf(48 * HOUR), 'warning');
});

light('without the outside address of the router, its owner is told how to compare', () => {
  const nat = remoteChecks(viewOf({ mapping: OFF, wan: undefined })).find(({ name }) => name === 'nat');
  assert.is(nat?.verdict, 'unknown');
  assert.match(nat?.remedy ?? '', /status page of the router: .*9\.0\.0\.2/);
});

light('a refusal that names a private outside address is a double NAT', () => {
  const view = viewOf({ mapping: REFUSED, wan: undefined });
  assert.is(view.nat.situation, 'double-nat');
  assert.match(view.waysOut[0] ?? '', 'forward TCP 32400 in it to 10.0.0.2');
});

light('where the file lets nobody be asked it says so, and that nothing is to be done', async () => {
  const publicAddress = await askPublicAddress({ setting: 'none', autoUrl: undefined });
  const { light: colour, reason, remedy } = remoteStanding(viewOf({ mapping: OFF, wan: undefined, publicAddress }));
  assert.is(colour, 'unknown');
  assert.is(reason, 'not checked (public_address = "none": nobody is asked), and nobody has come in from outside yet');
  assert.is(remedy, '');
  const proven = viewOf({
    mapping: OFF,
    wan: undefined,
    publicAddress,
    reached: { address: '8.8.4.4', secondsAgo: 1 },
  });
  assert.is(remoteStanding(proven).light, 'green');
});

light('what is not known is unknown', () => {
  assert.is(lightOf({ mapping: OFF, wan: undefined }), 'unknown');
  assert.is(lightOf({ mapping: { state: 'searching' }, wan: undefined }), 'unknown');
});

light('a barred way is a fault only when somebody wants to come in', () => {
  const wan = { address: '100.64.0.2', isOwn: false, from: 'PCP' };
  const verdictOf = (mapping: PortView) =>
    remoteChecks(viewOf({ mapping, wan })).find(({ name }) => name === 'remote access')?.verdict;
  assert.is(verdictOf(OPEN), 'fault');
  assert.is(verdictOf(OFF), 'warning');
  assert.is(verdictOf({ ...OFF, because: 'the gateway is not running', remedy: 'start it' }), 'fault');
});

light('an address of the other family says nothing about the NAT, and another source is wanted', () => {
  const publicAddress = { state: 'known', address: '2a00:1:2:7::2', from: 'stun' } as const;
  const nat = remoteChecks(viewOf({ publicAddress })).find(({ name }) => name === 'nat');
  assert.is(nat?.verdict, 'unknown');
  assert.match(nat?.remedy ?? '', 'public_address = "stun:HOST:PORT"');
});

light('a site that nobody is to look at gets no check of its NAT', () => {
  const publicAddress = { state: 'unknown', because: 'nobody is asked', remedy: '' } as const;
  const names = remoteChecks(viewOf({ mapping: OFF, wan: undefined, publicAddress })).map(({ name }) => name);
  assert.equal(names, ['remote access']);
});

light.run();

const proof = suite<{ folder: string }>('proof from outside');

proof.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'lockgate-proof-'));
});
proof.after.each(({ folder }) => {
  rmSync(folder, { recursive: true });
});

proof('only a public address that is not of this site proves anything', async ({ folder }) => {
  const made = new OutsideProof({ state: new StateFolder(folder), isOfThisSite: (address) => address === '9.0.0.2' });
  for (const address of [undefined, '127.0.0.1', '192.168.7.9', '100.64.3.4', 'fd00::1', 'fe80::1', '9.0.0.2']) {
    made.note(address);
    assert.is(made.last, undefined, String(address));
  }
  made.note('8.8.4.4');
  assert.is(made.last?.address, '8.8.4.4');
  await made.close();
});

proof('it outlives a restart, and is written once an hour at most', async ({ folder }) => {
  let now = 1_000_000;
  const options = { state: new StateFolder(folder), isOfThisSite: () => false, now: () => now };
  const first = new OutsideProof(options);
  first.note('8.8.4.4');
  now += 60_000;
  first.note('8.8.8.8');
  await first.close();
  const second = new OutsideProof(options);
  await second.load();
  assert.equal(second.last, { address: '8.8.8.8', at: 1_060_000 });
});

proof('a damaged memory, or one from the future, is none', async ({ folder }) => {
  const state = new StateFolder(folder);
  const load = async (text: string) => {
    await state.write('reached.json', text);
    const made = new OutsideProof({ state, isOfThisSite: () => false, now: () => 1000 });
    await made.load();
    return made.last;
  };
  assert.is(await load('{'), undefined);
  assert.is(await load('{"address":1,"at":5}'), undefined);
  assert.is(await load('{"address":"8.8.4.4","at":5000}'), undefined);
  assert.equal(await load('{"address":"8.8.4.4","at":500}'), { address: '8.8.4.4', at: 500 });
});

proof.run();
