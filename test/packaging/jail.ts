/** A root folder with nothing in it but a program, its devices and busybox: what a router or a NAS is to the program. */
import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Tree, tree } from '../../docker/program/tree.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { makeRoot, removeRoot } from './mounted-root.ts';

/** Name, major and minor number: as `mknod` has them. */
const DEVICES = [
  ['null', '1', '3'],
  ['zero', '1', '5'],
  ['random', '1', '8'],
  ['urandom', '1', '9'],
] as const;
const CHROOT = '/usr/sbin/chroot';
const TIMEOUT_MS = 60_000;

/** Why no jail can be made here, or undefined. */
export function whyNoJail(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  return spawnSync('busybox', ['true']).status === 0 ? undefined : 'busybox is not installed';
}

export class Jail {
  readonly root = makeRoot('jail');

  /** `files` stand at the root, beside busybox with its usual names. */
  constructor(files: Tree = []) {
    writeTree(tree(...files), this.root);
    // Users other than root go through it, too.
    execFileSync('chmod', ['0755', this.root]);
    for (const folder of ['bin', 'dev', 'proc', 'tmp', 'var/run'])
      mkdirSync(join(this.root, folder), { recursive: true });
    execFileSync('chmod', ['1777', join(this.root, 'tmp')]);
    for (const [name, major, minor] of DEVICES) {
      execFileSync('mknod', ['--mode=666', join(this.root, 'dev', name), 'c', major, minor]);
    }
    this.addProgram('busybox', 'bin/busybox');
    execFileSync(CHROOT, [this.root, '/bin/busybox', '--install', '-s', '/bin']);
  }

  /** Copies a program of this machine; it must need no libraries. */
  addProgram(command: string, path: string): void {
    const from = execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim();
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    copyFileSync(from, join(this.root, path));
  }

  /** Mounts, to be undone by `remove`. */
  mount(target: string, ...args: string[]): void {
    const path = join(this.root, target);
    mkdirSync(path, { recursive: true });
    execFileSync('mount', [...args, path]);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** Runs a command inside to its end. */
  run(command: readonly string[], { user = '0:0', env = {} }: { user?: string; env?: NodeJS.ProcessEnv } = {}) {
    const result = spawnSync(CHROOT, [`--userspec=${user}`, this.root, ...command], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin:/sbin', ...env },
      timeout: TIMEOUT_MS,
    });
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  }

  /** The same while this process goes on: for commands that ask something of it. */
  async runAlong(command: readonly string[]): Promise<{ status: number | null; output: string }> {
    const child = this.start(command, { env: { PATH: '/usr/bin:/bin:/sbin' }, timeout: TIMEOUT_MS });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, output };
  }

  /** Starts a program inside: chroot becomes it, so signals arrive. */
  start(command: readonly string[], { user = '0:0', ...options }: SpawnOptions & { user?: string } = {}) {
    return spawn(CHROOT, [`--userspec=${user}`, this.root, ...command], options);
  }

  remove(): void {
    removeRoot(this.root);
  }
}
