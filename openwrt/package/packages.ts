/** The OpenWrt packages: one payload for each kind of machine, one pair of files for each name that OpenWrt has for it. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Architecture } from '../../docker/program/pins.ts';
import { DESCRIPTION, LICENSE, VERSION } from '../../docker/program/release.ts';
import { contentBytes, file, type Tree, tree } from '../../docker/program/tree.ts';
import { writeApk } from './apk.ts';
import { writeIpk } from './ipk.ts';
import { CONFIG_FILE, readFiles } from './payload.ts';
import { apkScripts, ipkScripts, type OwnSteps, ownSteps } from './scripts.ts';

interface RouterMachine {
  /** What uname says. */
  readonly machine: string;
  /** OpenWrt's names. */
  readonly names: readonly string[];
}

/** The machines that each program runs on. */
export const ROUTERS: Readonly<Record<Architecture, RouterMachine>> = {
  x64: { machine: 'x86_64', names: ['x86_64'] },
  arm64: {
    machine: 'aarch64',
    names: ['aarch64_cortex-a53', 'aarch64_cortex-a72', 'aarch64_cortex-a76', 'aarch64_generic'],
  },
  armv7: {
    machine: 'armv7l',
    names: ['arm_cortex-a7_neon-vfpv4', 'arm_cortex-a9_vfpv3-d16', 'arm_cortex-a15_neon-vfpv4'],
  },
};

/** User and group of the service, with the number they get on a router. */
const SERVICE_USER = 'lockgate=32443:lockgate=32443';
const MAINTAINER = 'The lockgate authors';
/** What the package managers themselves keep beside the files. */
const FLASH_RESERVE_KIB = 1024;

export interface RouterPackage {
  readonly name: string;
  readonly description: string;
  /** OpenWrt's name of the machine; undefined: every machine. */
  readonly arch: string | undefined;
  readonly depends: readonly string[];
  readonly section: string;
  readonly files: Tree;
  readonly steps: OwnSteps;
  /** Absolute paths of files that are the user's. */
  readonly conffiles: readonly string[];
  /** Absent: needs no user of its own. */
  readonly user?: string;
}

/** lockgate itself, once for each name of the machine. */
export function gatewayPackages(architecture: Architecture, payload: Tree): RouterPackage[] {
  const { machine, names } = ROUTERS[architecture];
  const steps = ownSteps(machine, Math.ceil(contentBytes(payload) / 1024) + FLASH_RESERVE_KIB);
  return names.map((arch) => ({
    name: 'lockgate',
    description: DESCRIPTION,
    arch,
    depends: ['kmod-loop'],
    section: 'net',
    files: payload,
    steps,
    conffiles: [CONFIG_FILE],
    user: SERVICE_USER,
  }));
}

/** Its pages in the router's web interface. */
export function luciPackage(): RouterPackage {
  const folder = join(import.meta.dirname, '../luci');
  const pages = readFiles(join(folder, 'htdocs')).map((entry) => ({ ...entry, path: `www/${entry.path}` }));
  return {
    name: 'luci-app-lockgate',
    description: 'Status and configuration of lockgate in LuCI.',
    arch: undefined,
    depends: ['luci-base', 'lockgate'],
    section: 'luci',
    files: tree(...pages, ...readFiles(join(folder, 'root'))),
    steps: {},
    conffiles: [],
  };
}

/** `1.2.3` → `1.2.3-r1`, `1.2.3-rc.1` → `1.2.3_rc1-r1`: as apk compares versions. */
export function routerVersion(version: string): string {
  const [, numbers = '', word, count] = /^(\d+(?:\.\d+)*)(?:-(alpha|beta|pre|rc)\.?(\d*))?$/.exec(version) ?? [];
  if (numbers === '') throw new Error(`${version} cannot be said in apk's words`);
  return `${numbers}${word === undefined ? '' : `_${word}${count}`}-r1`;
}

export function toIpk(one: RouterPackage, modifiedAt: number): { name: string; bytes: Buffer } {
  const arch = one.arch ?? 'all';
  const bytes = writeIpk({
    fields: {
      Package: one.name,
      Version: routerVersion(VERSION),
      Depends: one.depends.join(', '),
      License: LICENSE,
      Section: one.section,
      ...(one.user === undefined ? {} : { 'Require-User': one.user }),
      Maintainer: MAINTAINER,
      Architecture: arch,
      Description: one.description,
    },
    conffiles: one.conffiles,
    scripts: ipkScripts(one.steps),
    files: one.files,
    modifiedAt,
  });
  return { name: `${one.name}_${VERSION}_${arch}.ipk`, bytes };
}

export function toApk(one: RouterPackage, modifiedAt: number): { name: string; bytes: Buffer } {
  const arch = one.arch ?? 'noarch';
  const bytes = writeApk({
    name: one.name,
    version: routerVersion(VERSION),
    description: one.description,
    arch,
    license: LICENSE,
    maintainer: MAINTAINER,
    depends: one.depends,
    scripts: apkScripts(one.name, one.steps),
    files: tree(...one.files, ...notesForApk(one)),
    modifiedAt,
  });
  return { name: `${one.name}-${VERSION}-${arch}.apk`, bytes };
}

/** What opkg reads from the control file, OpenWrt's functions read from these files where apk is used. */
function notesForApk({ name, files, conffiles, user }: RouterPackage) {
  const note = (kind: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [file(`lib/apk/packages/${name}.${kind}`, lines.map((line) => `${line}\n`).join(''))];
  const contentOf = (path: string) => files.find((entry) => `/${entry.path}` === path);
  const sums = conffiles.map((path) => {
    const found = contentOf(path);
    if (found?.kind !== 'file') throw new Error(`${path} is no file of ${name}`);
    return `${path} ${createHash('sha256').update(found.content).digest('hex')}`;
  });
  return [
    ...note(
      'list',
      files.filter(({ kind }) => kind !== 'folder').map(({ path }) => `/${path}`),
    ),
    ...note('conffiles', conffiles),
    ...note('conffiles_static', sums),
    ...note('rusers', user === undefined ? [] : [user]),
  ];
}
