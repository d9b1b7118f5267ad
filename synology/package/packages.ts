/** The DSM packages: one for each kind of processor, and one without a runtime for DSM's own Node package. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from '../../docker/program/pins.ts';
import { DESCRIPTION, VERSION } from '../../docker/program/release.ts';
import { contentBytes, type Entry, file, program, type Tree, tree } from '../../docker/program/tree.ts';
import { drawIcon } from './icon.ts';
import { writeSpk } from './spk.ts';

const ROOT = join(import.meta.dirname, '..');
/** Where DSM puts the files. */
export const INSTALL_FOLDER = '/var/packages/lockgate/target';
const FIRST_DSM = '7.0-40000';
/** What the runtime's package is called. */
const NODE_PACKAGE = 'Node.js_v22';
/** Its command. */
export const NODE_COMMAND = `/var/packages/${NODE_PACKAGE}/target/usr/local/bin/node`;
/** Beside the files: state, log, and DSM's own notes. */
const RESERVE_KIB = 8 * 1024;

interface NasMachine {
  /** The word in the name of the package's file. */
  readonly file: string;
  /** Synology's names of the platforms, separated by spaces. */
  readonly arch: string;
  /** What uname says there. */
  readonly machines: string;
}

/** The machines that each program runs on. */
export const NAS_NAMES: Readonly<Record<Architecture, NasMachine>> = {
  x64: { file: 'x86_64', arch: 'x86_64', machines: 'x86_64' },
  arm64: { file: 'armv8', arch: 'rtd1296 rtd1619 rtd1619b armada37xx', machines: 'aarch64' },
  armv7: { file: 'armv7', arch: 'alpine alpine4k armada38x monaco', machines: 'armv7l' },
};

interface NasPackage extends Omit<NasMachine, 'file'> {
  /** The program's own: a command `lockgate`, and what it needs. */
  readonly files: readonly Entry[];
  /** Packages that DSM installs first. */
  readonly needs?: string;
}

/** A package with its own runtime; `programFiles`: a program tree made for `INSTALL_FOLDER`. */
export function nativePackage(architecture: Architecture, programFiles: Tree, modifiedAt: number): Buffer {
  return nasPackage({ ...NAS_NAMES[architecture], files: programFiles }, modifiedAt);
}

/** Without a runtime, for machines that have Synology's Node; `programFiles`: made by `scriptTree` for `NODE_COMMAND`. */
export function scriptPackage(programFiles: Tree, modifiedAt: number): Buffer {
  return nasPackage({ arch: 'noarch', machines: 'any', files: programFiles, needs: NODE_PACKAGE }, modifiedAt);
}

/** `1.2.3-0001`: DSM wants a number of its own behind the version. */
export function nasVersion(version: string): string {
  return `${version.replace(/-.*/, '')}-0001`;
}

function nasPackage({ arch, machines, files, needs }: NasPackage, modifiedAt: number): Buffer {
  return writeSpk({
    info: {
      package: 'lockgate',
      version: nasVersion(VERSION),
      os_min_ver: FIRST_DSM,
      displayname: 'lockgate',
      description: DESCRIPTION,
      maintainer: 'The lockgate authors',
      arch,
      thirdparty: 'yes',
      dsmuidir: 'ui',
      // What "Open" opens. Not adminport: that could not follow the port of the wizard.
      dsmappname: 'lockgate',
      ...(needs === undefined ? {} : { install_dep_packages: needs }),
    },
    files: nasFiles(files),
    parts: [
      ...nasScripts(machines, nasFiles(files)),
      ...filesOf('conf', 'conf', file),
      ...filesOf('wizard', 'WIZARD_UIFILES', file),
      file('PACKAGE_ICON.PNG', drawIcon(64)),
      file('PACKAGE_ICON_256.PNG', drawIcon(256)),
    ],
    modifiedAt,
  });
}

/** What stands in the install folder: the program's own files, the command of the shell, and the entry in DSM's menu. */
export function nasFiles(files: readonly Entry[]): Tree {
  return tree(...files, ...filesOf('files/bin', 'bin', program), ...desktopFiles());
}

/** What DSM calls, as `scripts/…`. `machines`: names that uname may say, or `any`. */
export function nasScripts(machines: string, files: Tree): Entry[] {
  const neededKib = Math.ceil(contentBytes(files) / 1024) + RESERVE_KIB;
  const fill = (text: string) => text.replace('@MACHINES@', machines).replace('@NEEDED_KIB@', String(neededKib));
  return filesOf('scripts', 'scripts', (path, content) => program(path, fill(content.toString())));
}

/** The entry in DSM's main menu. */
function desktopFiles(): Entry[] {
  const icons = [16, 24, 32, 48, 64, 72, 256].map((size) => file(`ui/icon_${size}.png`, drawIcon(size)));
  return [...filesOf('files/ui', 'ui', file), ...icons];
}

function filesOf(folder: string, into: string, make: (path: string, content: Buffer) => Entry): Entry[] {
  const path = join(ROOT, folder);
  return readdirSync(path)
    .sort()
    .map((name) => make(`${into}/${name}`, readFileSync(join(path, name))));
}
