/** Trusting the private CA as a person does: over plain HTTP, from the page, with files that real programs accept. */
import { createHash, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { curl } from '../support/curl.ts';
import { Installation, makePlexHome, type RunningProgram } from '../support/program.ts';

const LISTEN =
  '[listen]\naddresses = ["127.0.0.1"]\nport = 0\nsecure_connections = "required"\n[dns]\nenabled = false\n';
const SERVER = '[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"\n';

const test = suite<{ installation: Installation; gateway: RunningProgram; origin: string }>('trust');

test.before(async (context) => {
  context.installation = new Installation(`${SERVER}${LISTEN}[certificate]\nnames = ["films.home.arpa"]\n`);
  context.gateway = await context.installation.run();
  context.origin = `http://127.0.0.1:${context.gateway.port}`;
});
test.after((context) => context.installation.remove());

test('the root comes over plain HTTP although TLS is required, and a client that takes it trusts the gateway', async ({
  installation,
  gateway,
  origin,
}) => {
  const answer = await curl(`${origin}/.lockgate/trust/lockgate-ca.pem`);
  assert.is(answer.status, 200);
  const caFile = join(installation.folder, 'ca.pem');
  writeFileSync(caFile, answer.body);
  assert.is((await installation.command(['ca'])).stdout, answer.body);
  const name = `films.home.arpa:${gateway.port}`;
  const trusting = await curl('--cacert', caFile, '--resolve', `${name}:127.0.0.1`, `https://${name}/.lockgate/health`);
  assert.is(trusting.status, 200);
});

test('all three files hold the same root, whose fingerprint the page and the command show alike', async ({
  installation,
  origin,
}) => {
  const pem = new X509Certificate((await curl(`${origin}/.lockgate/trust/lockgate-ca.pem`)).body);
  const binary = await curl(`${origin}/.lockgate/trust/lockgate-ca.crt`);
  assert.is(binary.headers['content-type'], 'application/x-x509-ca-cert');
  assert.is(
    createHash('sha256').update(Buffer.from(binary.body, 'latin1')).digest('hex'),
    pem.fingerprint256.replaceAll(':', '').toLowerCase(),
  );
  const profile = await curl(`${origin}/.lockgate/trust/lockgate-ca.mobileconfig`);
  assert.is(profile.headers['content-type'], 'application/x-apple-aspen-config');
  assert.match(profile.body, pem.raw.toString('base64'));
  const page = await curl(`${origin}/.lockgate/trust`);
  assert.match(page.body.replaceAll('<wbr>', ''), pem.fingerprint256);
  assert.is((await installation.command(['ca', '--fingerprint'])).stdout, `SHA-256 ${pem.fingerprint256}\n`);
});

test('HEAD gets the same head without a body, anything else is refused', async ({ origin }) => {
  const head = await curl('--head', `${origin}/.lockgate/trust/lockgate-ca.crt`);
  assert.is(head.status, 200);
  assert.ok(Number(head.headers['content-length']) > 300);
  assert.is((await curl('-d', 'x=1', `${origin}/.lockgate/trust`)).status, 405);
});

test('where the certificate is one that devices know, there is nothing to install, and the page says so', async () => {
  const home = await makePlexHome();
  const gateway = await home.installation.run();
  for (const path of ['/.lockgate/trust', '/.lockgate/trust/lockgate-ca.pem']) {
    const answer = await curl(`http://127.0.0.1:${gateway.port}${path}`);
    assert.is(answer.status, 404);
    assert.is(answer.headers['x-lockgate-reason'], 'not-found');
    assert.match(answer.body, 'Nothing to install');
  }
  await home.close();
});

test.run();
