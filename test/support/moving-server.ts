/** A media server that a gateway knows, and that gets another address. */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePkcs12, makePlexCertificate, type TestCertificate } from './certificates.ts';
import { type GatewayHome, makeGatewayHome } from './gateway-in-home.ts';
import type { RunningProgram } from './program.ts';

const QUIET = '[remote]\npublic_address = "none"\n[dns]\nenabled = false\n';
export const MINUTE_MS = 60_000;

/** A gateway that knows the server and its certificate. */
export async function runKnowing(home: GatewayHome): Promise<RunningProgram> {
  const gateway = await home.run();
  await gateway.line((line) => line['state'] === 'claimed', 20_000);
  await gateway.line((line) => line['source'] === 'server' && line['message'] === 'certificate in use', 20_000);
  return gateway;
}

interface Check {
  name: string;
  verdict: string;
  evidence: string;
  remedy: string;
}

/** `toml`: further keys of `[server]`, then further sections. */
export function configure(home: GatewayHome, toml: string): void {
  home.configure(`[server]\ndata_dir = "${join(home.folder, 'data')}"\n${toml}${QUIET}`);
}

/** The server has a new certificate: its file is there, and it shows it from its next start on. The fingerprint. */
export function renewCertificate(home: GatewayHome): string {
  const renewed = makePlexCertificate({ key: 'ec' });
  showCertificate(home, renewed);
  writeFileSync(join(home.folder, 'data', 'Cache', 'cert-v2.p12'), makePkcs12(renewed));
  return new X509Certificate(renewed.certificatePem).fingerprint256;
}

/** What is the server at its next start shows this certificate. */
export function showCertificate(home: GatewayHome, { keyPem, certificatePem, chainPem }: TestCertificate): void {
  writeFileSync(join(home.folder, 'key.pem'), keyPem);
  writeFileSync(join(home.folder, 'chain.pem'), certificatePem + chainPem);
}

/** A home in which the server and its certificate are known. */
export async function withKnownServer(toml: string, story: (home: GatewayHome) => Promise<void>): Promise<void> {
  const home = await makeGatewayHome('public', { holdsCertificate: true });
  try {
    home.setPreferences({});
    await home.startServer();
    configure(home, toml);
    await story(home);
  } finally {
    await home.close();
  }
}

/** Gives the server's machine another address, as a router without a reservation does. */
export async function moveServer(home: GatewayHome): Promise<void> {
  await home.stopServer();
  home.server.ip('addr del 192.168.7.20/24 dev lan0', 'addr add 192.168.7.30/24 brd + dev lan0');
  await home.startServer('192.168.7.30');
}

/** What a command says of the server's address. */
export async function serverAddress(home: GatewayHome, command: 'doctor' | 'status'): Promise<Check | undefined> {
  const { stdout } = await home.command(command, '--json');
  return (JSON.parse(stdout) as { checks: Check[] }).checks.find(({ name }) => name === 'server address');
}
