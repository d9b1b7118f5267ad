/** A certificate that is renewed again and again under load: every handshake ends well, with a certificate of that moment, and what is open stays. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askControl } from '../../src/ops/control.ts';
import { makeCertificate } from '../support/certificates.ts';
import { Installation, type RunningProgram } from '../support/program.ts';

/** With FULL=1 as many as the documentation says; else a tenth, for the time that a run of all tests takes. */
const SHARE = process.env['FULL'] === '1' ? 1 : 0.1;
const HANDSHAKES = 10_000 * SHARE;
const SWAPS = 100 * SHARE;
const CLIENTS = 8;
const ASK = 'GET /.lockgate/health HTTP/1.1\r\nHost: films.test\r\n';

const test = suite<{ installation: Installation; gateway: RunningProgram; certFile: string }>('certificate swaps');
const certificates = [0, 1, 2].map((index) => makeCertificate({ names: ['films.test', `renewal-${index}.test`] }));
const fingerprints = certificates.map(({ certificatePem }) => new X509Certificate(certificatePem).fingerprint256);

test.before(async (context) => {
  context.installation = new Installation();
  context.certFile = join(context.installation.folder, 'everything.pem');
  renew(context.certFile, 0);
  context.installation.configure(
    `[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[dns]\nenabled = false\n[certificate]\nsource = "files"\ncert_file = ${JSON.stringify(context.certFile)}\n`,
  );
  context.gateway = await context.installation.run();
});
test.after(({ installation }) => installation.remove());

/** As careful tools do: the complete file is moved over the former one. */
function renew(certFile: string, index: number): void {
  const certificate = certificates[index % certificates.length];
  writeFileSync(`${certFile}.new`, `${certificate?.certificatePem}${certificate?.keyPem}`);
  renameSync(`${certFile}.new`, certFile);
}

async function open(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'films.test', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: TLSSocket, header = ''): Promise<string> {
  socket.write(`${ASK}${header}\r\n`);
  const [answer] = await once(socket, 'data');
  return String(answer).slice(0, 'HTTP/1.1 200'.length);
}

test(`${HANDSHAKES} handshakes during ${SWAPS} swaps: none fails, open connections go on`, async ({
  installation,
  gateway,
  certFile,
}) => {
  const seen = new Map<string, number>();
  const old = await open(gateway.port);
  let started = 0;
  const client = async () => {
    while (started < HANDSHAKES) {
      started += 1;
      const socket = await open(gateway.port);
      const { fingerprint256 } = socket.getPeerCertificate();
      seen.set(fingerprint256, (seen.get(fingerprint256) ?? 0) + 1);
      assert.is(await ask(socket, 'Connection: close\r\n'), 'HTTP/1.1 200');
      socket.destroy();
    }
  };
  const begun = performance.now();
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  for (let swap = 1; swap <= SWAPS; swap++) {
    while (started < (swap * HANDSHAKES) / (SWAPS + 1)) await new Promise(setImmediate);
    renew(certFile, swap);
    await askControl(installation.stateDir, { command: 'reload-certificates' });
    assert.is(await ask(old), 'HTTP/1.1 200');
  }
  await clients;
  const seconds = (performance.now() - begun) / 1000;
  assert.is(
    [...seen.values()].reduce((sum, count) => sum + count, 0),
    HANDSHAKES,
  );
  assert.equal([...seen.keys()].sort(), [...fingerprints].sort());
  const swaps = gateway.lines.filter(({ message }) => message === 'certificate in use').length - 1;
  assert.is(swaps, SWAPS);
  console.log(`${HANDSHAKES} handshakes, ${swaps} swaps, ${seconds.toFixed(1)} s, none failed`);
  old.destroy();
});

test.run();
