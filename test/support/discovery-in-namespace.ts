/**
 * Run inside a network namespace of its own: gives a made-up LAN a Plex and a Jellyfin, asks by real multicast and broadcast,
 * and prints as JSON what was found.
 */
import { execFileSync } from 'node:child_process';
import { discoverServers, lanTargets } from '../../src/server/discovery.ts';
import { RECOGNIZABLE_KINDS } from '../../src/server/kinds.ts';
import { startJellyfin } from './jellyfin.ts';
import { startPlex } from './plex.ts';

const LAN = { address: '10.77.0.1', prefixLength: 24 };

for (const command of [
  'link set lo up',
  'link add lan0 type veth peer name lan1',
  `addr add ${LAN.address}/24 brd + dev lan0`,
  'link set lan0 up',
  'link set lan1 up',
]) {
  execFileSync('ip', command.split(' '));
}
const plex = await startPlex({ host: LAN.address });
const jellyfin = await startJellyfin({ host: LAN.address });
const group = { address: '239.0.0.250', interfaceAddress: LAN.address };
await plex.answerDiscovery({ address: '0.0.0.0', port: 32414, group });
await jellyfin.answerDiscovery({ address: '0.0.0.0', port: 7359 });
const found = await discoverServers({
  kinds: RECOGNIZABLE_KINDS,
  localEndpoints: [],
  lanTargets: lanTargets(RECOGNIZABLE_KINDS, [LAN]),
  isOwnEndpoint: () => false,
});
await plex.close();
await jellyfin.close();
const servers = found.map(({ kind, url }) => [kind.name, url]);
process.stdout.write(
  JSON.stringify({
    servers,
    expected: [
      ['plex', plex.url],
      ['jellyfin', jellyfin.url],
    ],
  }),
);
