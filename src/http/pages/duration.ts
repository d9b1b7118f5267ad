/** Spans of time in words a person would use. */
import { counted } from '../../lib/words.ts';

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** `4 minutes`, `1 hour`, `12 seconds`: one unit, rounded up, so that nobody comes too early. */
export function durationInWords(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  const [name, size] = UNITS.find(([, unitSeconds]) => whole >= unitSeconds) ?? ['second', 1];
  const count = Math.ceil(whole / size);
  return counted(count, name);
}

/** `just now`, `4 minutes ago`: no finer than a minute, so that a page that is kept up to date does not tick. */
export function agoInWords(seconds: number): string {
  return seconds < 60 ? 'just now' : `${durationInWords(Math.floor(seconds / 60) * 60)} ago`;
}
