/** How the runtime runs lockgate in every package: README.md has what was measured. */

/** Small heaps, because a router has 256 MB for everything. */
const ENGINE_FLAGS = ['--max-old-space-size=96', '--max-semi-space-size=1', '--v8-pool-size=1'] as const;

/** Certificate authorities are read when the Internet is asked for the first time: src/net/public-trust.ts. */
export const RUNTIME_FLAGS = [...ENGINE_FLAGS, '--use-openssl-ca'] as const;

/** For runtimes that others have built: what they trust, and whether they can be told later, is their own. */
export const FOREIGN_RUNTIME_FLAGS = ENGINE_FLAGS;

/**
 * Few threads, one heap for all of them, and whatever is larger than a piece from the network goes back to the system as soon as it is free
 * (mallopt(3)). Programs of shell and service managers repeat it.
 */
export const RUNTIME_ENVIRONMENT = {
  UV_THREADPOOL_SIZE: '2',
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '66000',
} as const;

/** The same as `NAME=value`. */
export const ENVIRONMENT_WORDS = Object.entries(RUNTIME_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
