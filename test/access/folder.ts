/** A state folder of a test's own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateFolder } from '../../src/lib/state-folder.ts';

/** Makes a folder; `remove` takes it away with everything in it. */
export async function temporaryState(): Promise<{ state: StateFolder; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'lockgate-access-'));
  const state = new StateFolder(path);
  await state.prepare();
  return { state, remove: () => rm(path, { recursive: true }) };
}
