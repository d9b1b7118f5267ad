/** Writes a tree to the disk, for programs that read folders. Owners are not written: that needs root and says nothing here. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from './tree.ts';

/** Replaces `folder` by the tree. */
export function writeTree(entries: Tree, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const entry of entries) {
    const path = join(folder, entry.path);
    if (entry.kind === 'link') {
      symlinkSync(entry.target, path);
      continue;
    }
    if (entry.kind === 'folder') mkdirSync(path);
    else writeFileSync(path, entry.content);
    chmodSync(path, entry.mode);
  }
}
