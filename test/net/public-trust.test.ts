/** Whoever asks the Internet believes the public authorities, although the runtime was started without them, as the packages do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer, type Server } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RUNTIME_FLAGS } from '../../docker/program/flags.ts';
import { selfSigned } from '../support/self-signed.ts';

interface Scene {
  server: Server;
  port: number;
  /** How many connections have carried a question: it is sent to nobody who is not believed. */
  questions: number;
  folder: string;
  certificateFile: string;
}

const trust = suite<Scene>('public trust');

trust.before.each(async (scene) => {
  const certificate = selfSigned(['localhost']);
  scene.folder = mkdtempSync(join(tmpdir(), 'lockgate-trust-'));
  scene.certificateFile = join(scene.folder, 'authority.pem');
  writeFileSync(scene.certificateFile, certificate.cert);
  scene.questions = 0;
  scene.server = createServer(certificate, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      scene.questions += 1;
      socket.destroy();
    });
  });
  scene.server.listen(0, '127.0.0.1');
  await once(scene.server, 'listening');
  scene.port = (scene.server.address() as AddressInfo).port;
});

trust.after.each(async ({ server, folder }) => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** Runs a module as packages run theirs, and gives what it prints. */
async function run(source: string, environment: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [...RUNTIME_FLAGS, '--input-type=module-typescript', '--eval', source], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  const printed = await text(child.stdout);
  assert.is(child.exitCode ?? (await once(child, 'exit'))[0], 0);
  return printed;
}

const ASKERS: Readonly<Record<string, (port: number) => string>> = {
  'the account service': (port) => `
    import { createAsk } from './src/server/ask.ts';
    await createAsk({ baseUrl: 'https://localhost:${port}', verifyCertificate: true })({ path: '/' }).catch(() => {});`,
  'an echo of the own address': (port) => `
    import { askHttp } from './src/remote/small-http.ts';
    await askHttp({ url: new URL('https://localhost:${port}'), family: 4 });`,
  'a certificate authority': (port) => `
    import { Transport } from './src/tls/acme/transport.ts';
    const { signal } = new AbortController();
    await new Transport({ signal }).ask({ url: 'https://localhost:${port}/', method: 'GET' }).catch(() => {});`,
  'a resolver by DNS-over-TLS': (port) => `
    import { openUpstreams } from './src/dns/open-upstreams.ts';
    const [upstream] = openUpstreams(['tls://localhost:${port}']);
    await upstream?.ask(Buffer.alloc(12), 5000).catch(() => {});
    upstream?.close();`,
  'a resolver by DNS-over-HTTPS': (port) => `
    import { openUpstreams } from './src/dns/open-upstreams.ts';
    const [upstream] = openUpstreams(['https://localhost:${port}/dns-query']);
    await upstream?.ask(Buffer.alloc(12), 5000).catch(() => {});
    upstream?.close();`,
};

for (const [name, sourceFor] of Object.entries(ASKERS)) {
  trust(`${name} is believed when an authority vouches for it, and not otherwise`, async (scene) => {
    await run(sourceFor(scene.port));
    assert.is(scene.questions, 0);
    await run(sourceFor(scene.port), { NODE_EXTRA_CA_CERTS: scene.certificateFile });
    assert.ok(scene.questions > 0);
  });
}

trust('the public authorities are read when they are needed, all of them', async () => {
  const printed = await run(`
    import { X509Certificate } from 'node:crypto';
    import { getCACertificates, rootCertificates } from 'node:tls';
    import { trustPublicAuthorities } from './src/net/public-trust.ts';
    const before = getCACertificates('default').length;
    trustPublicAuthorities();
    const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;
    const trusted = new Set(getCACertificates('default').map(fingerprint));
    const missing = rootCertificates.filter((pem) => !trusted.has(fingerprint(pem)));
    console.log(before, trusted.size > 100, missing.length);`);
  assert.is(printed.trim(), '0 true 0');
});

trust.run();
