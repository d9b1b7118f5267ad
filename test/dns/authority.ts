/** A throw-away authority and certificates signed by it, made with OpenSSL, for upstreams that speak TLS. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** Key and certificate for subject alternative names such as `DNS:dns.example` or `IP:127.0.0.1`. */
  issue(names: readonly string[]): { key: string; cert: string };
  remove(): void;
}

export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-test-'));
  const path = (name: string) => join(folder, name);
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    ...EC_KEY,
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
  );
  return {
    certificate: readFileSync(path('ca.pem'), 'utf8'),
    issue(names) {
      writeFileSync(path('names'), `subjectAltName=${names.join(',')}\n`);
      openssl('req', ...EC_KEY, '-subj', '/CN=upstream', '-keyout', path('leaf.key'), '-out', path('leaf.csr'));
      const signing = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names')];
      openssl('x509', '-req', '-days', '1', '-in', path('leaf.csr'), '-out', path('leaf.pem'), ...signing);
      return { key: readFileSync(path('leaf.key'), 'utf8'), cert: readFileSync(path('leaf.pem'), 'utf8') };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
