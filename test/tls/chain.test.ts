/** The chain that is sent: complete, in order, and to the root of one's choice where a cross-signed certificate leaves one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  assembleChain,
  chainEnds,
  chainTowards,
  type KeyedChain,
  readCertificates,
  readKeys,
} from '../../src/tls/chain.ts';
import { FilesSource } from '../../src/tls/files-source.ts';
import { KeptCertificate } from '../../src/tls/kept-certificate.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { openClient, startFront } from './front.ts';
import { type StoreContext, setUp, startStore, tearDown } from './store-fixture.ts';

const oldRoot = makeCertificate({ subject: 'Old Root', isAuthority: true, days: 3650 });
const newRoot = makeCertificate({ subject: 'New Root', isAuthority: true, days: 3650 });
const intermediate = makeCertificate({ subject: 'Intermediate', isAuthority: true, days: 1825, issuer: newRoot });
const leaf = makeCertificate({ names: ['films.test'], issuer: intermediate });
const crossPem = crossSigned(newRoot, oldRoot);

/** The new root's name and key once more, signed by the old one: for devices that know the old one alone. */
function crossSigned(subject: TestCertificate, issuer: TestCertificate): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-cross-'));
  const path = (name: string) => join(folder, name);
  writeFileSync(path('subject.pem'), subject.certificatePem);
  writeFileSync(path('subject.key'), subject.keyPem);
  writeFileSync(path('issuer.pem'), issuer.certificatePem);
  writeFileSync(path('issuer.key'), issuer.keyPem);
  writeFileSync(
    path('extensions'),
    'basicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign, cRLSign\n',
  );
  const request = [
    'x509',
    '-x509toreq',
    '-in',
    path('subject.pem'),
    '-signkey',
    path('subject.key'),
    '-out',
    path('request'),
  ];
  execFileSync('openssl', request, { stdio: 'ignore' });
  const sign = ['x509', '-req', '-in', path('request'), '-CA', path('issuer.pem'), '-CAkey', path('issuer.key')];
  const more = ['-CAcreateserial', '-days', '1000', '-extfile', path('extensions')];
  const pem = execFileSync('openssl', [...sign, ...more], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  rmSync(folder, { recursive: true });
  return pem;
}

function assemble(...pems: readonly string[]): KeyedChain {
  const text = [leaf.certificatePem, leaf.keyPem, ...pems].join('');
  return assembleChain('test', { certificates: readCertificates('test', text), keys: readKeys('test', text) });
}

const test = suite<StoreContext>('chain');

test.before.each(setUp);
test.after.each(tearDown);

test('what is sent by default is the chain as it came, the longest there is', () => {
  const chain = assemble(intermediate.certificatePem, crossPem);
  assert.is(chain.certificatePem, leaf.certificatePem + intermediate.certificatePem + crossPem);
  assert.is(chain.sparePem, '');
});

test('a chain can be cut, so that it ends below the newer root', () => {
  const chosen = chainTowards(assemble(intermediate.certificatePem, crossPem), 'New Root');
  assert.is(chosen?.certificatePem, leaf.certificatePem + intermediate.certificatePem);
  assert.is(chosen?.sparePem, crossPem);
  assert.is(
    chainTowards(chosen as KeyedChain, 'Old Root')?.certificatePem,
    leaf.certificatePem + intermediate.certificatePem + crossPem,
  );
});

test('a chain can be led over the cross-signed certificate that the file has besides the root itself', () => {
  const chain = assemble(intermediate.certificatePem, newRoot.certificatePem, crossPem);
  assert.equal(chainEnds(chain).sort(), ['Intermediate', 'New Root', 'Old Root']);
  assert.is(
    chainTowards(chain, 'Old Root')?.certificatePem,
    leaf.certificatePem + intermediate.certificatePem + crossPem,
  );
  assert.is(chainTowards(chain, 'No Such Root'), undefined);
});

test('authorities that vouch for each other lead round no circle', () => {
  const chain = assemble(intermediate.certificatePem, crossPem, crossSigned(oldRoot, newRoot));
  assert.is(chainTowards(chain, 'No Such Root'), undefined);
  assert.equal(chainEnds(chain).sort(), ['Intermediate', 'New Root', 'Old Root']);
});

test('a client that knows the old root alone connects once that is preferred, and a preference that cannot be had is said', async (context) => {
  const certFile = join(context.folder, 'all.pem');
  writeFileSync(
    certFile,
    leaf.certificatePem + leaf.keyPem + intermediate.certificatePem + newRoot.certificatePem + crossPem,
  );
  const isTrusted = async (preferredChain: string | undefined, ca: string) => {
    const store = await startStore(context, { sources: [new FilesSource({ certFile })], preferredChain });
    const front = await startFront(store);
    const { socket } = await openClient(front.port, { ca, servername: 'films.test' });
    const { authorized } = socket;
    socket.destroy();
    await front.close();
    return authorized;
  };
  assert.is(await isTrusted('Old Root', oldRoot.certificatePem), true);
  assert.is(await isTrusted('New Root', oldRoot.certificatePem), false);
  assert.is(await isTrusted('New Root', newRoot.certificatePem), true);
  const store = await startStore(context, { sources: [new FilesSource({ certFile })], preferredChain: 'Elder Root' });
  const [problem] = store.problems();
  assert.match(
    problem?.sentence ?? '',
    'certificate.preferred_chain: no chain to "Elder Root" came with the certificate',
  );
  assert.match(problem?.remedy ?? '', 'choose one of: ');
});

test('the kept copy of the server’s certificate keeps the choice', async ({ state }) => {
  const kept = new KeptCertificate(state);
  await kept.write(assemble(intermediate.certificatePem, newRoot.certificatePem, crossPem), 'f'.repeat(64));
  const copy = await kept.read();
  assert.ok(copy);
  assert.ok(chainTowards(copy.chain, 'Old Root'));
});

test.run();
