/** The inputs of the program that are not in this repository: each with its version and its SHA-256. */
import { createHash } from 'node:crypto';
import pinned from './pins.json' with { type: 'json' };

/** Machines whose runtime Node's authors publish, by Node's names: they get one executable. */
export const PUBLISHED = ['x64', 'arm64'] as const;
export type Published = (typeof PUBLISHED)[number];
/** All machines that a self-contained program is made for. The last one is of the second tier: its runtime is Debian's. */
export const ARCHITECTURES = [...PUBLISHED, 'armv7'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** What the same machine is called by Debian, by its loader, by uname and by OCI, and the Debian release that its libraries are of. */
export const MACHINES = {
  x64: {
    debian: 'amd64',
    release: 'bookworm',
    loader: 'ld-linux-x86-64.so.2',
    triplet: 'x86_64-linux-gnu',
    oci: 'amd64',
  },
  arm64: {
    debian: 'arm64',
    release: 'bookworm',
    loader: 'ld-linux-aarch64.so.1',
    triplet: 'aarch64-linux-gnu',
    oci: 'arm64',
  },
  armv7: {
    debian: 'armhf',
    release: 'forky',
    loader: 'ld-linux-armhf.so.3',
    triplet: 'arm-linux-gnueabihf',
    oci: 'arm',
  },
} as const satisfies Record<Architecture, object>;

export interface PinnedPackage {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly sha256: string;
}

export interface Pins {
  /** The published runtime: one version, the SHA-256 of each machine's `bin/node`. */
  readonly node: { readonly version: string; readonly sha256: Readonly<Record<Published, string>> };
  readonly debian: { readonly packages: readonly PinnedPackage[] };
}

export const PINS: Pins = pinned;

export function isArchitecture(text: string): text is Architecture {
  return (ARCHITECTURES as readonly string[]).includes(text);
}

export function isPublished(architecture: Architecture): architecture is Published {
  return (PUBLISHED as readonly string[]).includes(architecture);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
