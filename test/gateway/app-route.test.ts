/** How apps come to the gateway: by its port, by DNS, or told by the server's settings, with the address that they can reach. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Config, defaultConfig } from '../../src/config/schema.ts';
import { howAppsCome } from '../../src/gateway/app-route.ts';
import type { Situation } from '../../src/gateway/situation.ts';
import { KINDS } from '../../src/server/kinds.ts';

const test = suite('how apps come');
const ZONE = '0123456789abcdef0123456789abcdef.plex.direct';
const OWN_ADDRESSES = ['192.168.1.2', 'fd00::2'];

function situationWith(
  listen: Partial<Config['listen']>,
  more: { serverAddress?: string; hasZone?: boolean; hasDns?: boolean; toldUrls?: readonly string[] } = {},
): Parameters<typeof howAppsCome>[0] {
  const defaults = defaultConfig();
  const { serverAddress = '192.168.1.10', hasZone = true, hasDns = true } = more;
  return {
    config: { ...defaults, listen: { ...defaults.listen, ...listen }, dns: { ...defaults.dns, enabled: hasDns } },
    server: { kind: KINDS.plex, url: `http://${serverAddress}:32400` } as Situation['server'],
    serverAddress,
    certificates: hasZone ? ([{ source: 'server', zones: [ZONE] }] as unknown as Situation['certificates']) : [],
    ownAddresses: OWN_ADDRESSES,
    toldUrls: more.toldUrls,
    dns: hasDns
      ? { zones: hasZone ? [{ zone: ZONE, leadsTo: 'gateway', reason: '' }] : [], isRunning: true }
      : undefined,
  };
}

test("with the server's own port nothing is left to do, unless the names lead past the gateway", () => {
  assert.is(howAppsCome(situationWith({ port: [32400] }))?.isComplete, true);
  assert.is(howAppsCome(situationWith({ port: [443, 32400] }, { serverAddress: '127.0.0.1' }))?.isComplete, true);
  const withoutDns = howAppsCome(situationWith({ port: [32400] }, { hasDns: false }));
  assert.is(withoutDns?.isComplete, false);
  assert.match(withoutDns?.remedy ?? '', '[dns] enabled = true');
  const withoutZone = howAppsCome(situationWith({ port: [32400] }, { hasZone: false }));
  assert.is(withoutZone?.isComplete, false);
  assert.match(withoutZone?.remedy ?? '', 'lockgate snippet nas');
  const here = situationWith({ port: [32400] }, { hasDns: false, serverAddress: '192.168.1.2' });
  assert.is(howAppsCome(here)?.isComplete, true);
});

test('with another port the server has to tell apps an address on which the gateway listens', () => {
  const remedyFor = (listen: Partial<Config['listen']>) => howAppsCome(situationWith(listen))?.remedy ?? '';
  assert.match(remedyFor({}), `https://192-168-1-2.${ZONE}:32443`);
  assert.match(remedyFor({ addresses: ['::'] }), `https://fd00-0-0-0-0-0-0-2.${ZONE}:32443`);
  assert.match(remedyFor({ addresses: ['fd00::2'], port: [444] }), `https://fd00-0-0-0-0-0-0-2.${ZONE}:444`);
  assert.match(remedyFor({ addresses: ['127.0.0.1'] }), 'listen on an address of the LAN');
});

test('what is published is what apps are told', () => {
  const elsewhere = howAppsCome(situationWith({ port: [32400], published: '192.168.7.7:443' }));
  assert.is(elsewhere?.isComplete, false);
  assert.match(elsewhere?.remedy ?? '', `https://192-168-7-7.${ZONE}:443`);
  assert.is(howAppsCome(situationWith({ port: [8443], published: '[fd07::7]:32400' }))?.isComplete, true);
});

test('without the certificate that apps accept, that comes first', () => {
  assert.match(howAppsCome(situationWith({}, { hasZone: false }))?.remedy ?? '', 'lockgate snippet nas');
});

test('with another port nothing is left to do once the server tells apps of it, by address and port', () => {
  const isComplete = (...toldUrls: string[]) => howAppsCome(situationWith({ port: [32443] }, { toldUrls }))?.isComplete;
  assert.is(isComplete(), false);
  assert.is(isComplete(`https://192-168-1-2.${ZONE}:32443`), true);
  assert.is(isComplete('https://other.example:443', `https://fd00-0-0-0-0-0-0-2.${ZONE}:32443`), true);
  for (const wrong of [
    `https://192-168-1-2.${ZONE}`,
    `https://192-168-1-3.${ZONE}:32443`,
    `http://192-168-1-2.${ZONE}:32443`,
    'nonsense',
  ]) {
    assert.is(isComplete(wrong), false, wrong);
  }
});

test.run();
