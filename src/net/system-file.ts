/** The small text files in which the kernel tells about itself. */
import { readFileSync } from 'node:fs';

/** The text of a file under /proc or /sys; empty when there is none (another system, or a jail without them). */
export function readSystemFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
