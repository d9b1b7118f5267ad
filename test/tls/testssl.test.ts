/** What testssl.sh, the auditors' own tool, finds wrong: with `modern` nothing that the listener could help, with `legacy` what its name says. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeCertificate } from '../support/certificates.ts';
import { Installation } from '../support/program.ts';

const run = promisify(execFile);
/** It waits for answers that never come, of protocols that are not spoken. */
const TIMEOUT_MS = 200_000;
const QUIET = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', '127.0.0.1'];
const SERVER = `[server]
kind = "generic"
url = "http://127.0.0.1:9"
[listen]
addresses = ["127.0.0.1"]
port = 0
[dns]
enabled = false
`;

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** The findings for a gateway of each profile. */
interface Context {
  modern: readonly Finding[];
  legacy: readonly Finding[];
}

const test = suite<Context>('testssl.sh');

test.before(async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-testssl-'));
  const installations = [new Installation(), new Installation()] as const;
  [context.modern, context.legacy] = await Promise.all([
    examineModern(installations[0], folder),
    examineLegacy(installations[1], folder),
  ]);
  for (const installation of installations) await installation.remove();
  rmSync(folder, { recursive: true });
});

/** As it comes: with the private CA, whose root the tool trusts. */
async function examineModern(installation: Installation, folder: string): Promise<Finding[]> {
  installation.configure(`${SERVER}[certificate]\nnames = ["films.home.arpa"]\n`);
  const { port } = await installation.run();
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, (await installation.command(['ca'])).stdout);
  return findings(folder, port, [
    ['-p', '-s'],
    ['-S', '-U', '--add-ca', caFile],
  ]);
}

/** With an RSA key, as the devices need that the profile is for. */
async function examineLegacy(installation: Installation, folder: string): Promise<Finding[]> {
  const { certificatePem, keyPem } = makeCertificate({ names: ['films.home.arpa'], key: 'rsa' });
  const certFile = join(folder, 'certificate.pem');
  writeFileSync(certFile, certificatePem + keyPem);
  const files = `source = "files"\ncert_file = ${JSON.stringify(certFile)}\n`;
  installation.configure(`${SERVER}[certificate]\nprofile = "legacy"\n${files}`);
  const { port } = await installation.run();
  const status = JSON.parse((await installation.command(['status', '--json'])).stdout);
  assert.match(JSON.stringify(status.checks), '"name":"old TLS","verdict":"warning"');
  return findings(folder, port, [['-p', '-s']]);
}

/** All findings of `checks`; each part runs beside the others, for most of the time is waiting. */
async function findings(folder: string, port: number, parts: readonly (readonly string[])[]): Promise<Finding[]> {
  const runs = parts.map(async (checks, index) => {
    const report = join(folder, `${port}-${index}.json`);
    const args = [...QUIET, '--jsonfile', report, ...checks, `https://films.home.arpa:${port}`];
    // Its exit status counts the findings.
    await run('testssl', args, { cwd: folder, timeout: TIMEOUT_MS }).catch(() => {});
    return JSON.parse(readFileSync(report, 'utf8')) as Finding[];
  });
  return (await Promise.all(runs)).flat();
}

/** What is worse than a remark. */
function complaints(found: readonly Finding[]): string[] {
  const bad = found.filter(({ severity }) => ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'].includes(severity));
  return bad.map(({ id }) => id).sort();
}

function said(found: readonly Finding[], id: string): string {
  return found.find((each) => each.id === id)?.finding ?? 'nothing';
}

test('modern has no finding but that a private CA names nobody to ask about revocation', ({ modern }) => {
  assert.equal(complaints(modern), ['cert_revocation']);
  assert.match(said(modern, 'TLS1_3'), 'offered');
  assert.match(said(modern, 'TLS1_2'), 'offered');
  assert.match(said(modern, 'TLS1_1'), 'not offered');
  assert.match(said(modern, 'cipherlist_AVERAGE'), 'not offered');
  assert.match(said(modern, 'cert_chain_of_trust'), 'passed');
  assert.match(said(modern, 'heartbleed'), 'not vulnerable');
});

test('legacy adds TLS 1.0, TLS 1.1 and CBC, and nothing worse', ({ legacy }) => {
  assert.equal(complaints(legacy), ['TLS1', 'TLS1_1', 'cipherlist_AVERAGE']);
  for (const worse of [
    'SSLv2',
    'SSLv3',
    'cipherlist_NULL',
    'cipherlist_aNULL',
    'cipherlist_EXPORT',
    'cipherlist_LOW',
  ]) {
    assert.match(said(legacy, worse), 'not offered', worse);
  }
  assert.match(said(legacy, 'cipherlist_3DES_IDEA'), 'not offered');
});

test.run();
