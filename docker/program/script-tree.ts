/** lockgate without a runtime, for machines that have Node 22 or later: the bundle, and a command that looks at the runtime first. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledLicenses, scriptEntries } from './program-tree.ts';
import { launcher } from './script-launcher.ts';
import { file, program, type Tree, tree } from './tree.ts';

export interface ScriptOptions {
  /** The runtime's command, as a shell reads it. */
  readonly node: string;
  /** Where the tree will stand on the target, absolute. */
  readonly installFolder: string;
}

/** `root`: the checkout, with the bundle built. */
export function scriptTree(root: string, { node, installFolder }: ScriptOptions): Tree {
  return tree(
    program('lockgate', launcher(node, `${installFolder}/lockgate.cjs`, versionCheck(node))),
    ...scriptEntries(root),
    file('licenses/lockgate', readFileSync(join(root, 'LICENSE'))),
    file('licenses/bundled', bundledLicenses(root)),
  );
}

/** Takes a few milliseconds: the runtime says its version before it starts anything. */
function versionCheck(node: string): string {
  return `version="$(${node} --version 2>/dev/null)"
case "$version" in
v2[2-9].* | v[3-9][0-9].*) ;;
*)
	echo "lockgate needs Node 22 or later; \${version:-none} was found (LOCKGATE_NODE may name another)" >&2
	exit 3
	;;
esac
`;
}
