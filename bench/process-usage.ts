/** What a process has used so far, as the kernel counts it: CPU time of all its threads, and its memory. */
import { readFileSync } from 'node:fs';

/** The unit of the times in /proc (USER_HZ); Linux has had this value on every architecture for decades. */
const TICKS_PER_SECOND = 100;
/** Positions of utime and stime behind the command name (proc_pid_stat(5)). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** User and system time of all threads, ended ones included, in seconds. Resolution 10 ms. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS_PER_SECOND;
}

/** Bytes that the process has read so far, from sockets too. */
export function bytesRead(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);
}

export interface MemoryUse {
  /** All that is resident, the program's own file included. */
  readonly residentMiB: number;
  /** What this process alone has written (RssAnon). */
  readonly privateMiB: number;
}

export function memoryUse(pid: number): MemoryUse {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return { residentMiB: mebibytes(text, 'VmRSS'), privateMiB: mebibytes(text, 'RssAnon') };
}

function mebibytes(status: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc has no ${name}`);
  return Number(kibibytes) / 1024;
}
