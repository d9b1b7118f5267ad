/**
 * Network namespaces for tests: each a small machine with interfaces, routes and a /sys of its own, on which commands run.
 * A namespace lives as long as a process that reads a pipe of the test: it ends with the test, however that ends. Needs root.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Callback, Test } from 'uvu';

const COMMAND_DEADLINE_MS = 30_000;
const ROOT = join(import.meta.dirname, '../..');
/** Runs in the new namespaces: /sys/class/net must show their interfaces, /run must be free to write. */
const PREPARE =
  'mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run && ip link set lo up && echo ready && exec cat >/dev/null';

/** Opens a tun device (TUNSETIFF, IFF_TUN | IFF_NO_PI) and holds it: without a reader it has no carrier. The name is the argument. */
const HOLD_TUNNEL = `open(T, "+<", "/dev/net/tun") or die $!; my $request = pack("a16 s x22", $ARGV[0], 0x1001);
  ioctl(T, 0x400454ca, $request) or die $!; $| = 1; print "ready\n"; <STDIN>`;

/** Why namespaces cannot be made here, or undefined when they can. A test prints it: `skipped: …`. */
export function whyNoNamespaces(): string | undefined {
  const probe = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', 'mount -t sysfs sysfs /sys && ip link show lo'], {
    encoding: 'utf8',
    timeout: COMMAND_DEADLINE_MS,
  });
  if (probe.error !== undefined) return `unshare cannot be run: ${probe.error.message}`;
  return probe.status === 0 ? undefined : `no network namespaces: ${probe.stderr.trim()}`;
}

export function canMakeNamespaces(): boolean {
  return whyNoNamespaces() === undefined;
}

/** `test`, or `test.skip` with the reason printed where namespaces cannot be made. */
export function inNamespaces(test: Test): (name: string, callback: Callback<Record<string, unknown>>) => void {
  const reason = whyNoNamespaces();
  if (reason === undefined) return test;
  console.log(`skipped: tests in network namespaces (${reason})`);
  return test.skip;
}

export interface Namespace {
  /** Runs a command inside and gives its standard output; throws with its standard error when it fails. At most 30 s. */
  run(command: string, ...args: string[]): string;
  /** Runs `ip` with the words of each line. */
  ip(...lines: string[]): void;
  /** Runs a module of TypeScript from the repository's root and gives what it printed, parsed as JSON. */
  evaluate(source: string): unknown;
  /** Starts a program inside; the caller ends it. */
  start(command: string, ...args: string[]): ChildProcess;
  /** A veth pair between this namespace (`name`) and another (`otherName`), both ends up. */
  connect(name: string, other: Namespace, otherName: string): void;
  /** A tun interface with a program at its other end, up. */
  addTunnel(name: string): Promise<void>;
  /** The process that holds the namespace, for `ip link … netns PID`. */
  readonly pid: number;
  /** Ends the namespace and every interface in it. */
  close(): Promise<void>;
}

/** A new namespace in which only loopback is up. */
export async function makeNamespace(): Promise<Namespace> {
  const holder = await startHolder('unshare', ['--net', '--mount', 'sh', '-c', PREPARE]);
  const holders = [holder];
  const { pid } = holder;
  const enter = ['--target', String(pid), '--net', '--mount', '--wd=.', '--'];

  const run = (command: string, ...args: string[]): string => {
    const options = { encoding: 'utf8', timeout: COMMAND_DEADLINE_MS, cwd: ROOT } as const;
    const result = spawnSync('nsenter', [...enter, command, ...args], options);
    if (result.status === 0) return result.stdout;
    throw new Error(`${command} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
  };
  const ip = (...lines: string[]): void => {
    for (const line of lines) run('ip', ...line.split(' '));
  };
  return {
    pid,
    run,
    ip,
    evaluate: (source) => JSON.parse(run(process.execPath, '--input-type=module-typescript', '--eval', source)),
    start: (command, ...args) => spawn('nsenter', [...enter, command, ...args], { cwd: ROOT }),
    connect: (name, other, otherName) => {
      ip(`link add ${name} type veth peer name ${otherName} netns ${other.pid}`, `link set ${name} up`);
      other.ip(`link set ${otherName} up`);
    },
    addTunnel: async (name) => {
      holders.unshift(await startHolder('nsenter', [...enter, 'perl', '-e', HOLD_TUNNEL, name]));
      ip(`link set ${name} up`);
    },
    close: async () => {
      for (const { close } of holders) await close();
    },
  };
}

/** Starts a program that says `ready` and lives until its standard input ends. */
async function startHolder(command: string, args: string[]): Promise<{ pid: number; close: () => Promise<void> }> {
  const holder = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(holder, 'exit');
  const [said] = await Promise.race([once(holder.stdout, 'data'), exited]);
  if (String(said) !== 'ready\n' || holder.pid === undefined) throw new Error(`${command} did not start`);
  const close = async () => {
    holder.stdin.end();
    await exited;
  };
  return { pid: holder.pid, close };
}
