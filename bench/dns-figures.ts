/** The figures of bench/dns.ts, which runs as a program of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROW = /^own zone, A\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+(\d+)\s+(\d+)/m;

export interface DnsFigures {
  /** Microseconds of CPU per question. */
  readonly lockgate: number;
  readonly dnsmasq: number;
  readonly ratio: number;
  readonly perSecond: number;
}

export async function measureDns({ rounds, seconds }: { rounds: number; seconds: number }): Promise<DnsFigures> {
  const argv = [join(import.meta.dirname, 'dns.ts'), String(Math.min(seconds, 2)), String(Math.min(rounds, 3))];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  const [, lockgate, dnsmasq, ratio, perSecond] = ROW.exec(stdout) ?? [];
  return { lockgate: Number(lockgate), dnsmasq: Number(dnsmasq), ratio: Number(ratio), perSecond: Number(perSecond) };
}
