/** The pinned inputs, and what is said when Debian has replaced one. apt is a stand-in here: what it offers is the test's. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DebianPackages, PackageUnavailable } from '../../docker/program/debian-packages.ts';
import { RUNTIME_PACKAGES } from '../../docker/program/debian-runtime.ts';
import { libraryPackages } from '../../docker/program/libraries.ts';
import { ARCHITECTURES, isPublished, MACHINES, PINS, PUBLISHED } from '../../docker/program/pins.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { inFolder } from './system.ts';

/** Runs `work` with commands of this folder in front of all others. */
function withStandIns(scripts: Readonly<Record<string, string>>, work: (folder: string) => void): void {
  inFolder((folder) => {
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const former = process.env['PATH'];
    process.env['PATH'] = `${folder}:${former}`;
    try {
      work(folder);
    } finally {
      process.env['PATH'] = former;
    }
  });
}

/** An apt-get with one source, and nothing to say. */
const APT = 'case "$*" in *indextargets*) echo http://mirror.example/debian;; esac';
const OFFERS = (version: string) =>
  `printf 'libc6:\\n  Installed: (none)\\n  Candidate: ${version}\\n  Version table:\\n     ${version} 500\\n'`;

test('the runtime is the one that the project is built with', () => {
  for (const architecture of PUBLISHED) {
    assert.is(packageJson.optionalDependencies[`node-linux-${architecture}`], PINS.node.version);
    assert.match(PINS.node.sha256[architecture], /^[0-9a-f]{64}$/);
  }
});

test("Debian's runtime is of the same version", () => {
  const { version = '' } = PINS.debian.packages.find(({ name }) => name === 'nodejs') ?? {};
  assert.ok(version.startsWith(`${PINS.node.version}+`), version);
});

test('every package is pinned for every machine', () => {
  for (const architecture of ARCHITECTURES) {
    const { debian } = MACHINES[architecture];
    const names = PINS.debian.packages.filter((pin) => pin.architecture === debian).map(({ name }) => name);
    const runtime = isPublished(architecture) ? [] : RUNTIME_PACKAGES;
    assert.equal(names.sort(), [...libraryPackages(architecture), ...runtime].sort());
  }
});

test('a package that Debian has replaced ends the build with what to do', () => {
  withStandIns({ 'apt-get': APT, 'apt-cache': OFFERS('2.99-1') }, (folder) => {
    const packages = new DebianPackages({ cacheFolder: join(folder, 'cache') });
    assert.throws(
      () => packages.unpack('libc6', 'arm64', join(folder, 'root')),
      (error: unknown) =>
        error instanceof PackageUnavailable &&
        /libc6 \S+ \(arm64\) is pinned, and Debian bookworm has replaced it by 2\.99-1: run `make pins`/.test(
          error.message,
        ),
    );
  });
});

test('bytes that are not the pinned ones are never unpacked', () => {
  const { version = '' } = PINS.debian.packages.find(({ name }) => name === 'libc6') ?? {};
  const download = `${APT}\ncase "$*" in *download*) echo other > libc6.deb;; esac`;
  withStandIns({ 'apt-get': download, 'apt-cache': OFFERS(version), 'dpkg-deb': 'exit 99' }, (folder) => {
    const packages = new DebianPackages({ cacheFolder: join(folder, 'cache') });
    assert.throws(() => packages.unpack('libc6', 'arm64', join(folder, 'root')), /has SHA-256 .*, pinned is /);
  });
});

test('a machine without a package source for it says so', () => {
  withStandIns({ 'apt-get': APT, 'apt-cache': OFFERS('(none)') }, (folder) => {
    const packages = new DebianPackages({ cacheFolder: join(folder, 'cache') });
    assert.throws(
      () => packages.unpack('libc6', 'arm64', join(folder, 'root')),
      /package sources of this machine do not have it/,
    );
  });
});

test('a release that this machine does not use comes from the same mirror', () => {
  const query = 'case "$*" in *indextargets*forky*) ;; *indextargets*) echo http://mirror.example/debian;; esac';
  withStandIns({ 'apt-get': query, 'apt-cache': OFFERS('2.99-1') }, (folder) => {
    const packages = new DebianPackages({ cacheFolder: join(folder, 'cache') });
    assert.throws(() => packages.unpack('libc6', 'armv7', join(folder, 'root')), /Debian forky has replaced it/);
    const sources = readFileSync(join(folder, 'cache/apt-armhf/sources.list'), 'utf8');
    assert.is(sources, 'deb http://mirror.example/debian forky main\n');
  });
});

test.run();
