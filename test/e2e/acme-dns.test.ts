/** dns-01: records set by signed updates at BIND, and by a hook. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOf, failure, inLab, issued } from '../support/acme-lab.ts';
import { inNamespaces } from '../support/netns.ts';

const acme = suite('acme dns-01');
const test = inNamespaces(acme);

for (const tsig of ['hmac-sha256', 'hmac-sha512'] as const) {
  test(`dns-01 by updates (${tsig}): wildcards, and a record that a CNAME leads into another zone`, () =>
    inLab({ tsig }, async (lab) => {
      const names = ['*.example.org', 'example.org', 'alias.example.org'];
      lab.configure(`rfc2136_server = "127.0.0.1"\nrfc2136_key_file = "tsig.key"`, {
        names: JSON.stringify(names),
        ports: '32443',
      });
      const program = await lab.run();
      assert.equal(await issued(program), names);
      assert.is(lab.curl('https://any.example.org:32443/.lockgate/health'), 'ok\n');
      for (const name of ['_acme-challenge.example.org', 'alias.proofs.example.net']) {
        assert.is(lab.namespace.run('dig', '+short', '@127.0.0.1', 'TXT', name), '', 'nothing is left in the zone');
      }
    }));
}

test('dns-01 by a hook: called with present and cleanup, as other clients call theirs', () =>
  inLab({}, async (lab) => {
    const log = join(lab.folder, 'calls');
    const hook = join(lab.folder, 'hook');
    await writeFile(
      hook,
      `#!/bin/sh
echo "$1 $2 $CERTBOT_DOMAIN" >> ${log}
case "$1" in present) change="add $2 1 TXT $3";; cleanup) change="delete $2 TXT";; esac
printf 'server 127.0.0.1\\nupdate %s\\nsend\\n' "$change" | nsupdate -k ${lab.tsigFile}
`,
      { mode: 0o755 },
    );
    lab.configure('hook = "hook"', { names: '["*.example.org"]' });
    assert.equal(await issued(await lab.run()), ['*.example.org']);
    const calls = (await readFile(log, 'utf8')).trim().split('\n');
    assert.equal(calls, [
      'present _acme-challenge.example.org. example.org',
      'cleanup _acme-challenge.example.org. example.org',
    ]);
  }));

test('a hook that fails is quoted, and the certificate of the private CA serves meanwhile', () =>
  inLab({}, async (lab) => {
    await writeFile(join(lab.folder, 'hook'), '#!/bin/sh\necho "no such zone" >&2\nexit 3\n', { mode: 0o755 });
    lab.configure('hook = "hook"');
    const line = await failure(await lab.run());
    assert.match(String(line['message']), /hook" present: it ended with status 3: no such zone$/);
    const check = await checkOf(lab, 'status');
    assert.is(check.verdict, 'fault');
    assert.match(check.evidence, /no such zone; there is no certificate yet, next attempt at /);
    assert.is(lab.curl('https://films.example.org/.lockgate/health', '--insecure'), 'ok\n');
    assert.match((await checkOf(lab, 'doctor')).evidence, /no such zone/);
  }));

test('a key that the name server does not know is named, with the secret unsaid', () =>
  inLab({}, async (lab) => {
    const key = lab.namespace.run('tsig-keygen', '-a', 'hmac-sha256', 'other-key');
    await writeFile(join(lab.folder, 'other.key'), key);
    lab.configure('rfc2136_server = "127.0.0.1:53"\nrfc2136_key_file = "other.key"');
    const program = await lab.run();
    const line = await failure(program);
    assert.match(
      String(line['message']),
      /127\.0\.0\.1 port 53: it does not know this key \(key other-key, hmac-sha256\)$/,
    );
    const wrong = key.replace('other-key', 'lockgate-key');
    await writeFile(join(lab.folder, 'other.key'), wrong);
    assert.is((await lab.command('reload')).status, 0);
    await program.line(({ message }) => /it has another secret for this key/.test(String(message)));
  }));

acme.run();
