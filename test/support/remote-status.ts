/** What the gateway of a home says of remote access, by `status` and by `doctor`. */
import * as assert from 'uvu/assert';
import { type GatewayHome, makeGatewayHome } from './gateway-in-home.ts';
import { OUTSIDE, type Uplink } from './home-network.ts';
import type { RunningProgram } from './program.ts';

export const STUN = `public_address = "stun:${OUTSIDE}:3478"`;
export const SERVER = '[server]\nurl = "http://192.168.7.20:32400"\n';

export interface Remote {
  light: string;
  reason: string;
  nat: { situation: string; evidence: string };
  waysOut: string[];
  mapping: { state: string };
  publicAddress: { state: string; address?: string };
  reached?: { address: string };
}

export interface Check {
  name: string;
  verdict: string;
  evidence: string;
  remedy: string;
}

/** A home whose media server and gateway run. */
export async function withGateway(
  uplink: Uplink,
  toml: string,
  story: (home: GatewayHome, gateway: RunningProgram) => Promise<void>,
): Promise<void> {
  const home = await makeGatewayHome(uplink);
  try {
    await home.startPortMapping();
    await home.startServer();
    home.configure(SERVER + toml);
    await story(home, await home.run());
  } finally {
    await home.close();
  }
}

export async function statusOf(home: GatewayHome): Promise<Remote> {
  const { stdout, stderr } = await home.command('status', '--json');
  assert.is(stderr, '');
  return (JSON.parse(stdout) as { remote: Remote }).remote;
}

/** The status once it satisfies `isSo`. */
export async function statusWhen(home: GatewayHome, isSo: (status: Remote) => boolean): Promise<Remote> {
  const deadline = performance.now() + 45_000;
  for (;;) {
    const status = await statusOf(home);
    if (isSo(status)) return status;
    if (performance.now() > deadline) throw new Error(`not in time: ${JSON.stringify(status)}`);
  }
}

/** The checks of `doctor`. */
export async function doctor(home: GatewayHome): Promise<Check[]> {
  const { stdout } = await home.command('doctor', '--json');
  return (JSON.parse(stdout) as { checks: Check[] }).checks;
}
