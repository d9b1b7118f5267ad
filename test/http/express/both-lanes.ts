/** Runs test files that start a lane once more, with the express lane in front of the full one. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const load = createRequire(import.meta.url);

/** Loads the files of `folder` (below test/) for which `isWanted`; all at once, so that the runner sees them as one. */
export function runWithExpressLane(folder: string, isWanted: (file: string) => boolean): void {
  process.env['LOCKGATE_TEST_LANE'] = 'express';
  const path = join(import.meta.dirname, '..', '..', folder);
  for (const file of readdirSync(path)) if (file.endsWith('.test.ts') && isWanted(file)) load(join(path, file));
}
