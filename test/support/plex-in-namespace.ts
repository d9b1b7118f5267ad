/**
 * Run inside a network namespace: a Plex stand-in on the default port with its own certificate, which answers GDM on its LAN, until
 * its standard input ends. Arguments: address, folder with `key.pem` and `chain.pem`, machine identifier, and its name if that matters.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPlex } from './plex.ts';

const [address = '', folder = '', machineIdentifier = '', friendlyName = 'Stand-in'] = process.argv.slice(2);
const tls = {
  key: readFileSync(join(folder, 'key.pem'), 'utf8'),
  cert: readFileSync(join(folder, 'chain.pem'), 'utf8'),
};
const plex = await startPlex({ host: address, port: 32400, tls, machineIdentifier, friendlyName });
await plex.answerDiscovery({
  address: '0.0.0.0',
  port: 32414,
  group: { address: '239.0.0.250', interfaceAddress: address },
});
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
