/** A machine on the LAN that calls itself the media server after that has gone: its word is not taken. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlexCertificate } from '../support/certificates.ts';
import {
  MINUTE_MS,
  moveServer,
  runKnowing,
  serverAddress,
  showCertificate,
  withKnownServer,
} from '../support/moving-server.ts';
import { inNamespaces } from '../support/netns.ts';

const impostor = suite('impostor');
const test = inNamespaces(impostor);

test('a machine that only claims to be the server, with another certificate, gets no client', () =>
  withKnownServer('', async (home) => {
    const gateway = await runKnowing(home);
    showCertificate(home, makePlexCertificate({ key: 'ec' }));
    await moveServer(home);
    await gateway.line((line) => line['reason'] === 'other-server', MINUTE_MS);
    const check = await serverAddress(home, 'status');
    assert.is(check?.verdict, 'fault');
    assert.match(check?.evidence ?? '', /which is not followed/);
    assert.not.ok(existsSync(join(home.folder, 'state', 'server-moved.json')));
  }));

impostor.run();
