/** Certificates by ACME: the built program, pebble as the authority (which refuses a fifth of the nonces) and BIND as the Internet's DNS. */
import { statSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AcmeLab, type LabOptions, makeAcmeLab } from '../support/acme-lab.ts';
import { inNamespaces } from '../support/netns.ts';
import type { RunningProgram } from '../support/program.ts';

const acme = suite('acme');
const test = inNamespaces(acme);

async function inLab(options: LabOptions, work: (lab: AcmeLab) => Promise<void>): Promise<void> {
  const lab = await makeAcmeLab(options);
  try {
    await work(lab);
  } finally {
    await lab.close();
  }
}

/** The names of the next certificate of the authority that is taken up. */
async function issued(program: RunningProgram): Promise<unknown> {
  const line = await program.line(({ message, source }) => message === 'certificate in use' && source === 'acme');
  return line['names'];
}

function failure(program: RunningProgram) {
  return program.line(({ message }) => String(message).startsWith('no certificate: '));
}

async function checkOf(lab: AcmeLab, command: 'status' | 'doctor') {
  const { stdout } = await lab.command(command, '--json');
  return JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'acme');
}

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

acme.run();
