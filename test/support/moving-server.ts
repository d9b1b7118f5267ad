/** A media server that a gateway knows, and that gets another address. */
import { join } from 'node:path';
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

/** A home in which the server and its certificate are known. */
export async function withKnownServer(toml: string, story: (home: GatewayHome) => Promise<void>): Promise<void> {
  const home = await makeGatewayHome('public', { holdsCertificate: true });
  try {
    home.setPreferences({});
    await home.startServer();
    home.configure(`[server]\ndata_dir = "${join(home.folder, 'data')}"\n${toml}${QUIET}`);
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
