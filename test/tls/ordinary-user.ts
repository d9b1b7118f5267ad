/** Runs a piece of code as a user without rights, also when the tests run as root. */
import { execFileSync } from 'node:child_process';

const NOBODY = 65534;

/** The JSON that the module text `code` prints, run by `nobody` (by this very user when it is not root). */
export function asOrdinaryUser(code: string): unknown {
  const node = [process.execPath, '--input-type=module', '--eval', code];
  const isRoot = process.getuid?.() === 0;
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
  const [command = '', ...args] = isRoot ? [...user, ...node] : node;
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8', timeout: 20_000 }));
}

/** The `file:` URL of a module of this project, for an import in such code. */
export function moduleUrl(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}
