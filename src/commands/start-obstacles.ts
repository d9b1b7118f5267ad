/** What would keep `lockgate run` from starting on this machine now, beside the file itself. */
import type { Finding } from '../config/report.ts';
import type { Config } from '../config/schema.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { userIds } from '../lib/users.ts';
import { listen } from '../net/listen.ts';

/** One note for each. Ports are tried and given back at once, so ask only while no gateway runs. */
export async function startObstacles(config: Config, file: string): Promise<Finding[]> {
  const found = [await takenPort(config), unknownUser(config)];
  return found.filter((note) => note !== undefined).map((note) => ({ ...NO_PLACE, file, ...note }));
}

const NO_PLACE = { line: undefined, column: undefined, key: undefined, excerpt: undefined };

/** What the service may do, this user may not be allowed to: missing rights are no obstacle. */
async function takenPort({ listen: { addresses, port: ports } }: Config) {
  try {
    (await listen({ addresses, ports, log: silentLog }, (socket) => socket.destroy())).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return error.code === 'bind' ? { message: `run will not start: ${error.message}`, hint: error.hint } : undefined;
  }
}

function unknownUser({ run: { user } }: Config) {
  if (user === '' || process.getuid?.() !== 0) return undefined;
  try {
    userIds(user);
    return undefined;
  } catch (error) {
    return {
      message: `run will not start: run.user: ${JSON.stringify(user)}: ${messageOf(error)}`,
      hint: 'create the user, for example: useradd --system --no-create-home lockgate',
    };
  }
}
