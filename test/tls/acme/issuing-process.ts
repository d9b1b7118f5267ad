/** A process of its own that asks for a certificate and ends when it has one: `issuing-process.ts DIRECTORY CA_FILE STATE`. A test kills it. */
import { StateFolder } from '../../../src/lib/state-folder.ts';
import { AcmeIssuer } from '../../../src/tls/acme/issuer.ts';
import { rememberingLog } from '../front.ts';
import { settingsFor } from './issuing.ts';

const [, , directory = '', caFile = '', folder = ''] = process.argv;
const log = rememberingLog();
const settings = settingsFor({ directory, caFile });
const issuer = new AcmeIssuer({ settings, state: new StateFolder(folder), log });
await issuer.load();
// Nothing else keeps the process alive while it waits.
const patience = setTimeout(() => {
  process.stderr.write(JSON.stringify(log.entries));
  process.exit(1);
}, 30_000);
issuer.start(async () => {
  clearTimeout(patience);
  await issuer.close();
});
