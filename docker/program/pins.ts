/** The inputs of the program that are not in this repository: each with its version and its SHA-256. */
import { createHash } from 'node:crypto';
import pinned from './pins.json' with { type: 'json' };

/** Machines that a self-contained program is made for, by Node's names. */
export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** What the same machine is called by Debian, by its loader, by uname and by OCI. */
export const MACHINES = {
  x64: { debian: 'amd64', loader: 'ld-linux-x86-64.so.2', triplet: 'x86_64-linux-gnu', oci: 'amd64' },
  arm64: { debian: 'arm64', loader: 'ld-linux-aarch64.so.1', triplet: 'aarch64-linux-gnu', oci: 'arm64' },
} as const satisfies Record<Architecture, object>;

export interface PinnedPackage {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly sha256: string;
}

export interface Pins {
  /** The runtime: one version, the SHA-256 of each machine's `bin/node`. */
  readonly node: { readonly version: string; readonly sha256: Readonly<Record<Architecture, string>> };
  /** Packages of one Debian release. */
  readonly debian: { readonly release: string; readonly packages: readonly PinnedPackage[] };
}

export const PINS: Pins = pinned;

export function isArchitecture(text: string): text is Architecture {
  return (ARCHITECTURES as readonly string[]).includes(text);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
