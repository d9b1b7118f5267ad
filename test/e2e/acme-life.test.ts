/** Certificates by ACME over their time: failed proofs, an authority that has lost its memory, `auto`. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOf, failure, inLab, issued } from '../support/acme-lab.ts';
import { inNamespaces } from '../support/netns.ts';

const acme = suite('acme over time');
const test = inNamespaces(acme);

test('proofs that are not found say which port has to lead here; the port mended, a reload is enough', () =>
  inLab({}, async (lab) => {
    lab.configure('', { ports: '32443' });
    const program = await lab.run();
    const line = await failure(program);
    assert.match(String(line['message']), /^no certificate: films\.example\.org: tls-alpn-01: /);
    assert.match(String(line['remedy']), /^tls-alpn-01 needs outside port 443 to lead to port 32443 here/);
    const { verdict, evidence, remedy } = await checkOf(lab, 'doctor');
    assert.is(verdict, 'fault');
    assert.match(evidence, /there is no certificate yet, next attempt at \d{4}-/);
    assert.is(remedy, line['remedy'], 'the same advice');
    lab.configure('', { ports: '[32443, 80]' });
    assert.is((await lab.command('reload')).status, 0);
    assert.equal(await issued(program), ['films.example.org']);
    assert.is(lab.curl('https://films.example.org:32443/.lockgate/health'), 'ok\n');
  }));

test('an authority that remembers proofs is not shown them again', () =>
  inLab({ pebble: { PEBBLE_AUTHZREUSE: '100' } }, async (lab) => {
    lab.configure('challenge = "http-01"');
    const program = await lab.run();
    await issued(program);
    // Nothing leads here any more: what is asked for with the next order is known already.
    lab.configure('challenge = "http-01"\nemail = "other@example.org"', { ports: '[443, 81]' });
    lab.namespace.run('sh', '-c', `rm ${lab.stateDir}/acme/certificate.pem`);
    assert.is((await lab.command('reload')).status, 0);
    const isSecond = () => program.lines.filter(({ source }) => source === 'acme').length > 1;
    await program.line(isSecond);
    assert.is((await checkOf(lab, 'status')).verdict, 'ok');
  }));

test('an authority that has lost its memory gets a new account', () =>
  inLab({}, async (lab) => {
    lab.configure('challenge = "http-01"');
    const program = await lab.run();
    await issued(program);
    await lab.restartPebble();
    lab.configure('challenge = "http-01"', { names: '["tv.example.org"]' });
    assert.is((await lab.command('reload')).status, 0);
    const line = await program.line(
      ({ message, names }) => message === 'certificate in use' && String(names) === 'tv.example.org',
    );
    assert.is(line['source'], 'acme');
    assert.is(lab.curl('https://tv.example.org/.lockgate/health'), 'ok\n');
  }));

test('check looks at the files that [acme] names, and asks nobody', () =>
  inLab({}, async (lab) => {
    await lab.stopPebble();
    const stories: readonly (readonly [string, RegExp])[] = [
      ['hook = "pebble.json"', /^acme\.hook: ".*pebble\.json" cannot be run: EACCES/m],
      ['eab_id = "x"\neab_key_file = "none"', /^acme\.eab_key_file: ".*none" cannot be read: ENOENT/m],
      [
        'rfc2136_server = "ns.example.org"\nrfc2136_key_file = "pebble.pem"',
        /^acme\.rfc2136_key_file: ".*" holds no key of BIND's form/m,
      ],
    ];
    for (const [text, sentence] of stories) {
      lab.configure(text);
      const { status, stdout } = await lab.command('check');
      assert.is(status, 1, stdout);
      assert.match(stdout, sentence);
      assert.match(stdout, /^next: /m);
    }
  }));

test('an authority that is away is no reason not to start; `auto` asks one when [acme] says so', () =>
  inLab({}, async (lab) => {
    await lab.stopPebble();
    lab.configure('challenge = "http-01"', { source: '"auto"', names: '["films.example.org", "films.lan"]' });
    const checked = await lab.command('check');
    assert.is(checked.status, 0, checked.stdout);
    assert.match(
      checked.stdout,
      /^acme +films\.example\.org, films\.lan from 127\.0\.0\.1:14000: http-01 needs outside port 80/m,
    );
    const program = await lab.run();
    const line = await failure(program);
    assert.match(String(line['message']), /the authority 127\.0\.0\.1:14000 cannot be asked/);
    assert.is(lab.curl('https://films.example.org/.lockgate/health', '--insecure'), 'ok\n');
  }));

acme.run();
