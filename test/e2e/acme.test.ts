/** Certificates by ACME: the built program, pebble as the authority (which refuses a fifth of the nonces) and BIND as the Internet's DNS. */
import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOf, failure, inLab, issued } from '../support/acme-lab.ts';
import { inNamespaces } from '../support/netns.ts';

const acme = suite('acme');
const test = inNamespaces(acme);

for (const [challenge, workers] of [
  ['http-01', 1],
  ['tls-alpn-01', 1],
  ['http-01', 2],
  ['tls-alpn-01', 2],
] as const) {
  test(`${challenge}: the gateway proves its names on its own ports, and curl sees the certificate (${workers} processes)`, () =>
    inLab({}, async (lab) => {
      lab.configure(`challenge = "${challenge}"`, { names: '["films.example.org", "music.example.org"]', workers });
      const program = await lab.run();
      assert.equal(await issued(program), ['films.example.org', 'music.example.org']);
      assert.is(lab.curl('https://music.example.org/.lockgate/health'), 'ok\n');
      for (const name of await readdir(join(lab.stateDir, 'acme'))) {
        assert.is(statSync(join(lab.stateDir, 'acme', name)).mode & 0o777, 0o600, name);
      }
      const check = await checkOf(lab, 'status');
      assert.is(check.verdict, 'ok');
      assert.match(check.evidence, /^films\.example\.org, music\.example\.org: from 127\.0\.0\.1:14000, good until /);
    }));
}

test('an authority that takes known customers only', () =>
  inLab(
    { external: { id: 'kid-1', key: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' } },
    async (lab) => {
      lab.configure('challenge = "http-01"');
      const program = await lab.run();
      const line = await failure(program);
      assert.match(String(line['remedy']), /eab_id and eab_key_file/);
      await writeFile(
        join(lab.folder, 'eab.key'),
        'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n',
      );
      lab.configure('challenge = "http-01"\neab_id = "kid-1"\neab_key_file = "eab.key"');
      assert.is((await lab.command('reload')).status, 0);
      assert.equal(await issued(program), ['films.example.org']);
    },
  ));

test('of the chains that an authority has, the file names the one that is sent', () =>
  inLab({ pebble: { PEBBLE_ALTERNATE_ROOTS: '2', PEBBLE_CHAIN_LENGTH: '2' } }, async (lab) => {
    const rootOf = (number: number) => lab.namespace.run('curl', '-sk', `https://127.0.0.1:15000/roots/${number}`);
    const other = rootOf(2);
    const [, name = ''] = /^CN=(.*)$/m.exec(new X509Certificate(other).subject) ?? [];
    await writeFile(join(lab.folder, 'other-root.pem'), other);
    lab.configure('challenge = "http-01"', { certificate: `preferred_chain = "${name}"` });
    const program = await lab.run();
    await issued(program);
    const trusts = (file: string) => ['--cacert', join(lab.folder, file), '-m', '5', '-sS'];
    const url = 'https://films.example.org/.lockgate/health';
    assert.is(lab.namespace.run('curl', ...trusts('other-root.pem'), url), 'ok\n');
    assert.throws(() => lab.namespace.run('curl', ...trusts('issuing-root.pem'), url));
  }));

acme.run();
