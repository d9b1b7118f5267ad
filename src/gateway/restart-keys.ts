/** Keys that a reload cannot change, because what they describe was made at the start. */
import type { Config } from '../config/schema.ts';

const RESTART_KEYS: readonly (readonly [string, (config: Config) => unknown])[] = [
  ['limits.header_bytes', ({ limits }) => limits.header_bytes],
  ['limits.upstream_first_byte', ({ limits }) => limits.upstream_first_byte],
  ['log.format', ({ log }) => log.format],
  ['run.user', ({ run }) => run.user],
  ['run.workers', ({ run }) => run.workers],
  ['state.dir', ({ state }) => state.dir],
];

/** One sentence for each key that is not what it was at the start. */
export function restartNotes(started: Config, next: Config): string[] {
  return RESTART_KEYS.filter(([, value]) => value(started) !== value(next)).map(
    ([key]) => `${key}: takes effect at the next start`,
  );
}
