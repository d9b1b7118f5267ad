/** Packages of Synology's DSM 7: one plain archive of a description, the packed files, scripts, rights and a wizard. */
import { createHash } from 'node:crypto';
import { writeTar } from '../../docker/program/tar.ts';
import { contentBytes, type Entry, file, type Tree, tree } from '../../docker/program/tree.ts';
import { packXz } from '../../docker/program/xz.ts';

export interface SpkOptions {
  /** Keys of the file INFO beside checksum and extractsize, in their order. */
  readonly info: Readonly<Record<string, string>>;
  /** What stands in `/var/packages/NAME/target`. */
  readonly files: Tree;
  /** `scripts/…`, `conf/…`, `WIZARD_UIFILES/…` and the icons. */
  readonly parts: readonly Entry[];
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/** The bytes of the package. DSM unpacks xz as well as gzip. */
export function writeSpk({ info, files, parts, modifiedAt }: SpkOptions): Buffer {
  const packed = packXz(writeTar(files, { modifiedAt }));
  const all = {
    ...info,
    checksum: createHash('md5').update(packed).digest('hex'),
    extractsize: String(Math.ceil(contentBytes(files) / 1024)),
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}="${value}"\n`);
  // DSM reads the description before anything else.
  const outer = [file('INFO', lines.join('')), file('package.tgz', packed), ...tree(...parts)];
  return writeTar(outer, { modifiedAt });
}
