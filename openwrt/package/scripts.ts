/** The scripts of the package managers: OpenWrt's own steps, and ours within them, as OpenWrt's build writes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApkScript } from './apk.ts';

const FOLDER = join(import.meta.dirname, '../scripts');
const SHELL = '#!/bin/sh\n';

const HAS_FUNCTIONS = '[ -s "$IPKG_INSTROOT/lib/functions.sh" ] || exit 0\n. "$IPKG_INSTROOT/lib/functions.sh"\n';
const MAY_RUN = '[ "$IPKG_NO_SCRIPT" = 1 ] && exit 0\n';

/** The steps of a package beside those that every package has. */
export interface OwnSteps {
  readonly preinst?: string;
  readonly postinst?: string;
  readonly prerm?: string;
}

/** lockgate's own; `machine` is what uname says there, `neededFlashKib` what the files take. */
export function ownSteps(machine: string, neededFlashKib: number): OwnSteps {
  const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
  return {
    preinst: read('preinst').replace('@MACHINE@', machine).replace('@NEEDED_FLASH_KIB@', String(neededFlashKib)),
    postinst: read('postinst'),
    prerm: read('prerm'),
  };
}

/** For opkg: the own steps are files that OpenWrt's functions call. */
export function ipkScripts({ preinst, postinst, prerm }: OwnSteps): Record<string, string> {
  return {
    ...(preinst === undefined ? {} : { preinst }),
    postinst: `${SHELL}${MAY_RUN}${HAS_FUNCTIONS}default_postinst $0 $@\n`,
    ...(postinst === undefined ? {} : { 'postinst-pkg': postinst }),
    prerm: `${SHELL}${HAS_FUNCTIONS}default_prerm $0 $@\n`,
    ...(prerm === undefined ? {} : { 'prerm-pkg': prerm }),
  };
}

/** For apk: the own steps follow OpenWrt's, and an upgrade is told by a variable. */
export function apkScripts(name: string, { preinst, postinst, prerm }: OwnSteps): Partial<Record<ApkScript, string>> {
  const names = `export root="$IPKG_INSTROOT"\nexport pkgname="${name}"\n`;
  const upgrade = `${SHELL}export PKG_UPGRADE=1\n`;
  const install = `${SHELL}${MAY_RUN}${HAS_FUNCTIONS}${names}add_group_and_user\ndefault_postinst\n${postinst ?? ''}`;
  return {
    ...(preinst === undefined ? {} : { 'pre-install': preinst, 'pre-upgrade': `${upgrade}${preinst}` }),
    'post-install': install,
    'post-upgrade': `${upgrade}${install}`,
    'pre-deinstall': `${SHELL}${HAS_FUNCTIONS}${names}default_prerm\n${prerm ?? ''}`,
  };
}
