/** What would keep `lockgate run` from starting on this machine now, beside the file itself. */
import type { Finding } from '../config/report.ts';
import type { Config } from '../config/schema.ts';
import { newCounters } from '../dns/counters.ts';
import { expandEndpoints } from '../dns/endpoint.ts';
import { Listeners } from '../dns/listeners.ts';
import { isDefaultDnsListen } from '../gateway/dns-facts.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { userIds } from '../lib/users.ts';
import { localNetworks } from '../net/interfaces.ts';
import { listen } from '../net/listen.ts';

/** One note for each. Ports are tried and given back at once, so ask only while no gateway runs. */
export async function startObstacles(config: Config, file: string): Promise<Finding[]> {
  const found = [await takenPort(config), await takenDnsPort(config), unknownUser(config)];
  return found.filter((note) => note !== undefined).map((note) => ({ ...NO_PLACE, file, ...note }));
}

const NO_PLACE = { line: undefined, column: undefined, key: undefined, excerpt: undefined };

/** What the service may do, this user may not be allowed to: missing rights are no obstacle. */
async function takenPort({ listen: { addresses, port: ports } }: Config) {
  try {
    (await listen({ addresses, ports, log: silentLog }, (socket) => socket.destroy())).close();
    return undefined;
  } catch (error) {
    return obstacleOf(error);
  }
}

/** Without the default port the gateway starts all the same; a port that the file names must be free. */
async function takenDnsPort(config: Config) {
  if (!config.dns.enabled || isDefaultDnsListen(config)) return undefined;
  const listeners = new Listeners({ responder: nobody, counters: newCounters(), log: silentLog });
  try {
    await listeners.agreeWith(expandEndpoints(config.dns.listen, localNetworks()), true);
    return undefined;
  } catch (error) {
    return obstacleOf(error);
  } finally {
    await listeners.close();
  }
}

/** Whoever asks in this moment gets no answer. */
function nobody(): never {
  throw new GatewayError('defect', 'nobody answers here');
}

function obstacleOf(error: unknown) {
  if (!(error instanceof GatewayError)) throw error;
  return error.code === 'bind' ? { message: `run will not start: ${error.message}`, hint: error.hint } : undefined;
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
