/** One start of the gateway, acted out on loopback: a home with a media server, a few visits, and the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { startMediaServer, TOKEN } from './media-server.ts';
import { SERVER_NAME, writePlexData } from './plex-data.ts';

/** For all of it: an emulated gateway takes ten seconds, on a busy machine more. Then it is killed. */
const DEADLINE_MS = 120_000;

interface LogLine {
  readonly event?: string;
  readonly state?: string;
  readonly addresses?: readonly string[];
}

/** One after the other, over one connection: the first is refused, the others take both lanes to the media server. */
const VISITS = [
  { method: 'GET', path: '/library', headers: {}, status: 401 },
  { method: 'GET', path: '/library/sections', headers: { 'X-Plex-Token': TOKEN }, status: 200 },
  { method: 'POST', path: '/:/timeline', headers: { 'X-Plex-Token': TOKEN, 'Content-Length': 4 }, status: 200 },
  { method: 'PUT', path: '/:/prefs', headers: { 'X-Plex-Token': TOKEN, 'Transfer-Encoding': 'chunked' }, status: 200 },
  { method: 'GET', path: '/library/sections', headers: { 'X-Plex-Token': TOKEN }, status: 200 },
] as const;

/**
 * Runs `command` with the words of `lockgate run` behind it, visits the gateway, and ends it by the end of its standard input. Everything
 * that is awaited is an event, and each comes before the next thing is done, so that the same functions are run each time. Rejects when
 * the gateway does not play its part.
 */
export async function rehearse(command: readonly string[], folder: string): Promise<void> {
  const server = await startMediaServer();
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false, servername: SERVER_NAME });
  try {
    const config = join(folder, 'lockgate.toml');
    writePlexData(join(folder, 'plex'));
    writeFileSync(config, configuration(server.url, join(folder, 'plex')));
    const [program = '', ...words] = [...command, 'run', '--config', config];
    const gateway = new Gateway(
      spawn(program, words, {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { LOCKGATE_STATE: join(folder, 'state') },
        timeout: DEADLINE_MS,
        killSignal: 'SIGKILL',
      }),
    );
    const { addresses: [address = ''] = [] } = await gateway.line((line) => line.event === 'ready');
    server.sayWho();
    await gateway.line((line) => line.state === 'claimed');
    for (const visit of VISITS) await make(visit, new URL(`https://${address}`), agent);
    // Its connections stay open: else their end and the gateway's would come in any order.
    await gateway.end();
  } finally {
    agent.destroy();
    server.close();
  }
}

/** Asks nobody but the media server. */
function configuration(serverUrl: string, dataFolder: string): string {
  return `
[server]
kind = "plex"
url = "${serverUrl}"
data_dir = ${JSON.stringify(dataFolder)}
account_url = "http://127.0.0.1:9"
[listen]
addresses = ["127.0.0.1"]
port = 0
[dns]
listen = ["127.0.0.1:0"]
upstreams = ["127.0.0.1:9"]
gateway_addresses = ["192.168.1.2"]
[remote]
public_address = "none"
map_port = 0
discovery = false
`;
}

async function make(visit: (typeof VISITS)[number], { hostname, port }: URL, agent: Agent): Promise<void> {
  const { method, path, headers, status } = visit;
  const question = request({ hostname, port, method, path, headers, agent });
  question.end(method === 'GET' ? undefined : 'body');
  const [answer] = await once(question, 'response');
  answer.resume();
  await once(answer, 'end');
  if (answer.statusCode !== status)
    throw new Error(`${method} ${path} was answered ${answer.statusCode}, not ${status}`);
}

/** What it says, line by line. */
class Gateway {
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #ended: Promise<readonly unknown[]>;
  #text = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const whole = (this.#text + chunk).split('\n');
      this.#text = whole.pop() ?? '';
      this.#lines.push(...whole.map((line) => JSON.parse(line) as LogLine));
    });
  }

  async line(isWanted: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.#lines.find(isWanted);
      if (found !== undefined) return found;
      const end = await Promise.race([this.#ended, once(this.#child.stdout!, 'data').then(() => undefined)]);
      if (end === undefined) continue;
      const [status, signal] = end;
      throw new Error(`the gateway ended early (${signal ?? status}), having said ${JSON.stringify(this.#lines)}`);
    }
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    const [status, signal] = await this.#ended;
    if (status !== 0) throw new Error(`the gateway ended with ${status ?? signal}`);
  }
}
