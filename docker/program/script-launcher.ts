/** The command where the runtime and what it runs are files of their own: a shell script that names both. */
import { ENVIRONMENT_WORDS, FOREIGN_RUNTIME_FLAGS } from './flags.ts';

/**
 * `node`: the runtime's command, words separated by spaces; `script`: absolute path; `check`: lines that look at the runtime first. The
 * environment cannot add flags, as with the single executable.
 */
export function launcher(node: string, script: string, check = ''): string {
  return `#!/bin/sh
# lockgate: its bundle on a runtime beside it.
unset NODE_OPTIONS NODE_PATH
# Empty, and not absent: Debian's runtime would look for the system's.
export NODE_EXTRA_CA_CERTS="\${NODE_EXTRA_CA_CERTS:-}"
# For workers: the runtime's own path is not enough to start it again.
export LOCKGATE_COMMAND="$0"
export ${ENVIRONMENT_WORDS.join(' ')}
${check}exec ${node} ${FOREIGN_RUNTIME_FLAGS.join(' ')} ${script} "$@"
`;
}
