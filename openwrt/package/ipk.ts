/** Packages of opkg, as OpenWrt used them up to 24.10: an archive of two archives, all of them gzip. */
import { gzipSync } from 'node:zlib';
import { writeTar } from '../../docker/program/tar.ts';
import { contentBytes, file, program, type Tree, tree } from '../../docker/program/tree.ts';

export interface IpkOptions {
  /** Fields of the control file beside Installed-Size, in their order. */
  readonly fields: Readonly<Record<string, string>>;
  /** Files of the user, kept over upgrades: absolute paths. */
  readonly conffiles: readonly string[];
  /** `preinst`, `postinst`, `postinst-pkg`, `prerm`, `prerm-pkg`. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly files: Tree;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/** The bytes of the package. */
export function writeIpk({ fields, conffiles, scripts, files, modifiedAt }: IpkOptions): Buffer {
  const { Description = '', ...others } = fields;
  const all = { ...others, 'Installed-Size': String(contentBytes(files)), Description };
  const control = tree(
    file(
      'control',
      `${Object.entries(all)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join('')}`,
    ),
    ...(conffiles.length === 0 ? [] : [file('conffiles', `${conffiles.join('\n')}\n`)]),
    ...Object.entries(scripts).map(([name, text]) => program(name, text)),
  );
  const pack = (content: Tree) =>
    gzipSync(writeTar(content, { modifiedAt, prefix: './', hasRoot: true }), { level: 9 });
  // opkg reads them in this order.
  const outer = [
    file('debian-binary', '2.0\n'),
    file('data.tar.gz', pack(files)),
    file('control.tar.gz', pack(control)),
  ];
  return gzipSync(writeTar(outer, { modifiedAt, prefix: './' }), { level: 9 });
}
