/** Renewal of a certificate that is good for seconds, while clients are connected. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inLab, issued } from '../support/acme-lab.ts';
import { inNamespaces } from '../support/netns.ts';

const acme = suite('acme renewal');
const test = inNamespaces(acme);

test('a certificate of seconds is renewed in time, under open connections', () =>
  inLab({ lifetimeSeconds: 9 }, async (lab) => {
    lab.configure('challenge = "tls-alpn-01"');
    const program = await lab.run();
    await issued(program);
    const first = program.lines.findLast(({ source }) => source === 'acme')?.['fingerprint'];
    // One connection with two requests, the second behind the renewal.
    const slow = lab.namespace.start(
      'sh',
      '-c',
      `{ printf 'GET /.lockgate/health HTTP/1.1\\r\\nHost: films.example.org\\r\\n\\r\\n'; sleep 7
        printf 'GET /.lockgate/health HTTP/1.1\\r\\nHost: films.example.org\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1
      } | openssl s_client -quiet -servername films.example.org -connect 127.0.0.1:443 2>/dev/null`,
    );
    let answers = '';
    slow.stdout?.on('data', (chunk: Buffer) => {
      answers += chunk.toString('utf8');
    });
    const ended = new Promise((resolve) => slow.once('close', resolve));
    const renewed = await program.line(
      ({ message, source, fingerprint }) =>
        message === 'certificate in use' && source === 'acme' && fingerprint !== first,
      20_000,
    );
    assert.not.equal(renewed['fingerprint'], first);
    await ended;
    assert.is(answers.match(/200 OK/g)?.length, 2, answers);
  }));

acme.run();
