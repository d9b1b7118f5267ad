/**
 * Fetches the pinned Debian packages of any architecture with apt-get, without touching what is installed: apt gets folders of its
 * own, verifies Debian's signatures, and the SHA-256 is compared with the pin.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Architecture, MACHINES, PINS, type PinnedPackage, sha256 } from './pins.ts';

const APT_TIMEOUT_MS = 180_000;

/** An input cannot be had: this machine lacks a command, the network, or Debian has replaced the pinned version. */
export class PackageUnavailable extends Error {}

export interface DebianOptions {
  /** Downloads that are kept between builds. */
  readonly cacheFolder: string;
  /** Told when Debian has replaced a pinned package and its successor is taken instead: good for tests. Absent: that is an error. */
  readonly onReplaced?: (message: string) => void;
}

/** A machine, as Debian sees it. */
type Machine = (typeof MACHINES)[Architecture];

/** Fetches packages and unpacks them. */
export class DebianPackages {
  readonly #cacheFolder: string;
  readonly #onReplaced: DebianOptions['onReplaced'];
  readonly #apts = new Map<string, Apt>();

  constructor({ cacheFolder, onReplaced }: DebianOptions) {
    this.#cacheFolder = cacheFolder;
    this.#onReplaced = onReplaced;
    mkdirSync(cacheFolder, { recursive: true });
  }

  /** What `read` finds in a pinned package, unpacked for as long as it reads. Throws as `unpack` does. */
  open<T>(name: string, architecture: Architecture, read: (root: string) => T): T {
    const root = mkdtempSync(join(tmpdir(), 'lockgate-deb-'));
    try {
      this.unpack(name, architecture, root);
      return read(root);
    } finally {
      rmSync(root, { recursive: true });
    }
  }

  /** Unpacks a pinned package into `into`. Throws `PackageUnavailable`, or an error when its bytes are not the pinned ones. */
  unpack(name: string, architecture: Architecture, into: string): void {
    const machine = MACHINES[architecture];
    const pin = PINS.debian.packages.find((one) => one.name === name && one.architecture === machine.debian);
    if (pin === undefined) throw new Error(`${name} for ${architecture} is not pinned`);
    run('dpkg-deb', ['-x', this.#fetch(pin, machine), into]);
  }

  /** Downloads the version that Debian offers now; for making new pins. */
  offeredPin(name: string, architecture: Architecture): PinnedPackage {
    const machine = MACHINES[architecture];
    const apt = this.#apt(machine);
    const version = apt.candidate(name);
    const bytes = readFileSync(apt.download(name, version));
    return { name, architecture: machine.debian, version, sha256: sha256(bytes) };
  }

  #fetch(pin: PinnedPackage, machine: Machine): string {
    const path = join(this.#cacheFolder, `${pin.sha256}.deb`);
    if (existsSync(path) && sha256(readFileSync(path)) === pin.sha256) return path;
    const apt = this.#apt(machine);
    const candidate = apt.candidate(pin.name);
    if (!apt.offers(pin.name, pin.version)) {
      const message = `${pin.name} ${pin.version} (${pin.architecture}) is pinned, and Debian ${machine.release} has replaced it by ${candidate}`;
      if (this.#onReplaced === undefined) {
        throw new PackageUnavailable(
          `${message}: run \`make pins\`, look at what changed in docker/program/pins.json, run the tests and commit it`,
        );
      }
      this.#onReplaced(message);
      return apt.download(pin.name, candidate);
    }
    const found = apt.download(pin.name, pin.version);
    const digest = sha256(readFileSync(found));
    if (digest !== pin.sha256) {
      throw new Error(
        `${pin.name} ${pin.version} (${pin.architecture}) has SHA-256 ${digest}, pinned is ${pin.sha256}`,
      );
    }
    renameSync(found, path);
    return path;
  }

  #apt(machine: Machine): Apt {
    const known = this.#apts.get(machine.debian);
    if (known !== undefined) return known;
    const apt = new Apt(join(this.#cacheFolder, `apt-${machine.debian}`), machine);
    this.#apts.set(machine.debian, apt);
    return apt;
  }
}

/** apt-get and apt-cache for one architecture, with lists and caches of their own. */
class Apt {
  readonly #folder: string;
  readonly #options: readonly string[];

  constructor(folder: string, machine: Machine) {
    this.#folder = folder;
    for (const name of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(folder, name), { recursive: true });
    const status = join(folder, 'status');
    writeFileSync(status, '');
    this.#options = [
      `-oAPT::Architecture=${machine.debian}`,
      `-oAPT::Architectures=${machine.debian}`,
      `-oDir::State=${join(folder, 'state')}`,
      `-oDir::State::status=${status}`,
      `-oDir::Cache=${join(folder, 'cache')}`,
      // Named, because container images of Debian switch them off: without them every question takes seconds.
      '-oDir::Cache::pkgcache=pkgcache.bin',
      '-oDir::Cache::srcpkgcache=srcpkgcache.bin',
      ...sourcesOf(machine, folder),
      '-oAPT::Sandbox::User=root',
    ];
    run('apt-get', [...this.#options, '-qq', 'update']);
  }

  offers(name: string, version: string): boolean {
    return this.#policy(name).includes(` ${version} `);
  }

  candidate(name: string): string {
    const version = /^ {2}Candidate: (\S+)$/m.exec(this.#policy(name))?.[1];
    if (version === undefined || version === '(none)') {
      throw new PackageUnavailable(
        `${name}: the package sources of this machine do not have it (packages are made on Debian)`,
      );
    }
    return version;
  }

  /** The path of the downloaded file. */
  download(name: string, version: string): string {
    const into = mkdtempSync(join(this.#folder, 'download-'));
    run('apt-get', [...this.#options, '-qq', 'download', `${name}=${version}`], into);
    const [found] = readdirSync(into);
    if (found === undefined) throw new PackageUnavailable(`${name} ${version}: nothing was downloaded`);
    const path = join(this.#folder, found);
    renameSync(join(into, found), path);
    rmSync(into, { recursive: true });
    return path;
  }

  #policy(name: string): string {
    return run('apt-cache', [...this.#options, 'policy', name]);
  }
}

/** Where this machine gets a release from: as it is set up; for another release, from the same mirror. */
function sourcesOf({ release }: Machine, folder: string): string[] {
  const query = (filter: string) =>
    run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Label: Debian', 'Component: main', filter]);
  if (query(`Codename: ${release}`) !== '') return [];
  const [mirror = ''] = query('Created-By: Packages').split('\n');
  if (mirror === '') throw new PackageUnavailable('this machine has no package source of Debian');
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb ${mirror} ${release} main\n`);
  return [`-oDir::Etc::SourceList=${sources}`, '-oDir::Etc::SourceParts=/dev/null'];
}

function run(command: string, args: readonly string[], cwd?: string): string {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: APT_TIMEOUT_MS,
    env: { ...process.env, LC_ALL: 'C' },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (result.status === 0) return result.stdout;
  throw new PackageUnavailable(`${command} ${args.at(-1)}: ${result.error?.message ?? result.stderr.trim()}`);
}
