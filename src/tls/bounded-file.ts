/** Reads a small regular file that somebody else writes: never a pipe, never more than a bound. */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** Certificates, keys and preferences are kilobytes; a larger file is not what was meant. */
export const MAX_FILE_BYTES = 256 * 1024;

/** When what `path` names was last written; undefined: it cannot be looked at. */
export async function changeOf(path: string): Promise<Date | undefined> {
  return stat(path).then(
    ({ mtime }) => mtime,
    () => undefined,
  );
}

/**
 * The bytes of a regular file of at most `MAX_FILE_BYTES`.
 * Rejects with the system error when it cannot be opened, else with an `Error` that says what it is instead.
 */
export async function readBoundedFile(path: string): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait forever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new Error('it is not a file');
    if (facts.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
