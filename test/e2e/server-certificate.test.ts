/** The server's own TLS side against the gateway's copy, as `status` of the running program tells it: which is behind, and why. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePkcs12, makePlexCertificate, PLEX_ZONE, type TestCertificate } from '../support/certificates.ts';
import { makePlexHome, type PlexHome } from '../support/program.ts';

const NEW_UUID = 'f'.repeat(32);
const STATUS_DEADLINE_MS = 20_000;

interface Check {
  readonly name: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly remedy: string;
}

const test = suite<{ home: PlexHome }>('server certificate');

test.after.each(({ home }) => home.close());

/** A running gateway whose server shows `shown` and keeps `kept` in its data folder. */
async function begin(context: { home: PlexHome }, shown: TestCertificate, kept: TestCertificate): Promise<void> {
  const tls = { key: shown.keyPem, cert: shown.certificatePem + shown.chainPem };
  const home = await makePlexHome({ tls });
  context.home = home;
  writeFileSync(join(home.dataDir, 'Cache', 'cert-v2.p12'), makePkcs12(kept));
  home.installation.configure(home.toml().replace(home.plex.url, home.plex.httpsUrl));
  await home.installation.run();
}

/** The check of that name, as soon as there is one. */
async function check({ home }: { home: PlexHome }, name: string): Promise<Check> {
  const deadline = performance.now() + STATUS_DEADLINE_MS;
  while (performance.now() < deadline) {
    const { stdout } = await home.installation.command(['status', '--json']);
    const found = (JSON.parse(stdout).checks as Check[]).find((each) => each.name === name);
    if (found !== undefined) return found;
  }
  throw new Error(`status has no check ${name}`);
}

test('a server that was signed in anew shows other names than those of the gateway', async (context) => {
  await begin(context, makePlexCertificate({ uuid: NEW_UUID }), makePlexCertificate());
  const { verdict, evidence, remedy } = await check(context, 'server certificate');
  assert.is(verdict, 'fault');
  assert.match(evidence, `the server's names are now those of ${NEW_UUID}.plex.direct, the gateway still has`);
  assert.match(evidence, `the certificate of ${PLEX_ZONE}`);
  assert.match(remedy, 'lockgate snippet');
});

test.run();
