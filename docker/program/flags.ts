/** How the runtime runs lockgate in every package: README.md has what was measured. */

/** Small heaps, because a router has 256 MB for everything, and memory given back at rest (src/lib/memory-keeper.ts). */
export const RUNTIME_FLAGS = ['--max-old-space-size=96', '--max-semi-space-size=1', '--v8-pool-size=1', '--expose-gc'] as const;
