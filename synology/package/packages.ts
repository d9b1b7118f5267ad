/** The DSM packages: one for each kind of processor, and one without a runtime for DSM's own Node package. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from '../../docker/program/pins.ts';
import { DESCRIPTION, VERSION } from '../../docker/program/release.ts';
import { type Entry, file, program, type Tree, tree } from '../../docker/program/tree.ts';
import { drawIcon } from './icon.ts';
import { writeSpk } from './spk.ts';

const ROOT = join(import.meta.dirname, '..');
/** Where DSM puts the files. */
export const INSTALL_FOLDER = '/var/packages/lockgate/target';
const FIRST_DSM = '7.0-40000';
const USUAL_PORT = '32443';
/** What the runtime's package provides, and how it is called there. */
const NODE_PACKAGE = 'Node.js_v22';
const NODE_COMMAND = `/var/packages/${NODE_PACKAGE}/target/usr/local/bin/node --max-old-space-size=96 --max-semi-space-size=1`;

/** Synology's names of the machines that each program runs on, and the name in the file's. */
export const NAS_NAMES: Readonly<Record<Architecture, { readonly file: string; readonly arch: string }>> = {
  x64: { file: 'x86_64', arch: 'x86_64' },
  arm64: { file: 'armv8', arch: 'rtd1296 rtd1619 rtd1619b armada37xx' },
  armv7: { file: 'armv7', arch: 'alpine alpine4k armada38x monaco' },
};

interface NasPackage {
  /** Space-separated names of platforms. */
  readonly arch: string;
  /** The command that the wrapper runs. */
  readonly command: string;
  readonly files: readonly Entry[];
  /** Packages that DSM installs first. */
  readonly needs?: string;
}

/** A package with its own runtime; `programFiles`: a program tree made for `INSTALL_FOLDER`. */
export function nativePackage(architecture: Architecture, programFiles: Tree, modifiedAt: number): Buffer {
  const { arch } = NAS_NAMES[architecture];
  return nasPackage({ arch, command: `${INSTALL_FOLDER}/lockgate`, files: programFiles }, modifiedAt);
}

/** The bundle alone, for machines that have Synology's Node. */
export function scriptPackage(bundle: Buffer, licenses: string, modifiedAt: number): Buffer {
  const files = [file('lockgate.cjs', bundle), file('licenses/bundled', licenses)];
  const command = `${NODE_COMMAND} ${INSTALL_FOLDER}/lockgate.cjs`;
  return nasPackage({ arch: 'noarch', command, files, needs: NODE_PACKAGE }, modifiedAt);
}

/** `1.2.3-0001`: DSM wants a number of its own behind the version. */
export function nasVersion(version: string): string {
  return `${version.replace(/-.*/, '')}-0001`;
}

function nasPackage({ arch, command, files, needs }: NasPackage, modifiedAt: number): Buffer {
  const wrapper = readFileSync(join(ROOT, 'files/bin/lockgate'), 'utf8').replace('@PROGRAM@', command);
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
      adminprotocol: 'https',
      adminport: USUAL_PORT,
      adminurl: '/.lockgate/',
      ...(needs === undefined ? {} : { install_dep_packages: needs }),
    },
    files: tree(...files, program('bin/lockgate', wrapper), ...desktopFiles()),
    parts: [
      ...filesOf('scripts', 'scripts', program),
      ...filesOf('conf', 'conf', file),
      ...filesOf('wizard', 'WIZARD_UIFILES', file),
      file('PACKAGE_ICON.PNG', drawIcon(64)),
      file('PACKAGE_ICON_256.PNG', drawIcon(256)),
    ],
    modifiedAt,
  });
}

/** The entry in DSM's main menu. */
function desktopFiles(): Entry[] {
  const icons = [16, 24, 32, 48, 64, 72, 256].map((size) => file(`ui/icon_${size}.png`, drawIcon(size)));
  return [...filesOf('files/ui', 'ui', file), ...icons];
}

function filesOf(folder: string, into: string, make: typeof file): Entry[] {
  const path = join(ROOT, folder);
  return readdirSync(path)
    .sort()
    .map((name) => make(`${into}/${name}`, readFileSync(join(path, name))));
}
