/** `lockgate status`: what the running gateway is doing. */
import type { Refusal } from '../access/refusals.ts';
import type { StatusReport } from '../gateway/status.ts';
import type { ConnectedClient } from '../http/pages/status-view.ts';
import { GatewayError } from '../lib/errors.ts';
import { clock, counted } from '../lib/words.ts';
import { hasFault, nextStep, renderCheckLines } from '../ops/check.ts';
import { askControl } from '../ops/control.ts';
import { type CommandContext, EXIT_DONE, EXIT_NO } from './command.ts';
import { runningStateFolder } from './load.ts';

/** So many clients are printed. */
const MAX_CLIENTS = 20;
const STATUS_TIMEOUT_MS = 5_000;
const REMOTE_ACCESS = 'remote access';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const question = { command: 'status' };
  const report = (await askControl(await runningStateFolder(context), question, STATUS_TIMEOUT_MS).catch(
    (error: unknown) => {
      if (context.json && error instanceof GatewayError && error.code === 'not-running')
        context.print(JSON.stringify({ running: false, error: error.message, hint: error.hint ?? null }));
      throw error;
    },
  )) as StatusReport;
  if (context.json) context.print(JSON.stringify({ running: true, ...report }));
  else for (const line of render(report)) context.print(line);
  const isDown = context.options['gateway'] === true ? report.listeners.length === 0 : hasFault(report.checks);
  return isDown ? EXIT_NO : EXIT_DONE;
}

function render(report: StatusReport): string[] {
  const { traffic, clients, refusals, dns, workers } = report;
  const next = nextStep(report.checks);
  const memory = traffic.memoryBytes === null ? '' : `, ${Math.round(traffic.memoryBytes / 1024 / 1024)} MiB`;
  const processes = workers.length === 0 ? '' : ` in ${1 + workers.length} processes`;
  return [
    `lockgate ${report.version}, up ${duration(report.uptimeSeconds)}${memory}${processes}: ${counted(traffic.connections, 'connection')}, ${counted(traffic.upgraded, 'WebSocket')}, ${counted(traffic.requests, 'request')} so far`,
    '',
    // Remote access has a line of its own, with its light.
    ...renderCheckLines(report.checks.filter(({ name }) => name !== REMOTE_ACCESS)),
    ...renderRemote(report),
    ...(dns === null ? [] : renderDns(dns)),
    ...renderClients(clients),
    ...(refusals.length === 0 ? [] : ['', 'last refusals, newest first:', ...refusals.flatMap(renderRefusal)]),
    ...(next === undefined ? [] : ['', `next: ${next}`]),
  ];
}

function renderRemote({ remote, checks }: StatusReport): string[] {
  const remedy = checks.find(({ name }) => name === REMOTE_ACCESS)?.remedy ?? '';
  return [`remote access: ${remote.light} (${remote.reason})`, ...(remedy === '' ? [] : [`  ${remedy}`])];
}

function renderDns({ counters, upstreams }: NonNullable<StatusReport['dns']>): string[] {
  const counts = Object.entries(counters).filter(([name, count]) => count > 0 || name === 'answered');
  const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return [
    `dns: ${counts.map(([name, count]) => `${count} ${words(name)}`).join(', ')}`,
    ...upstreams.map(({ name, isHealthy, meanMs, lastError }) => {
      const time = meanMs === undefined ? 'not heard yet' : `answers in ${Math.round(meanMs)} ms`;
      return `dns upstream ${name}: ${isHealthy ? time : 'passed over'}${lastError === undefined ? '' : `, ${lastError}`}`;
    }),
  ];
}

function renderClients(clients: readonly ConnectedClient[]): string[] {
  if (clients.length === 0) return [];
  const shown = clients.slice(0, MAX_CLIENTS).map(({ address, rule, connections, requests, webSockets }) => {
    const counts = [counted(connections, 'connection')];
    if (requests > 0) counts.push(counted(requests, 'request'));
    if (webSockets > 0) counts.push(counted(webSockets, 'WebSocket'));
    const by = rule === null ? 'has asked for nothing yet' : `by ${rule}`;
    return `  ${address.padEnd(15)}  ${by.padEnd(15)}  ${counts.join(', ')}`;
  });
  const more = clients.length - shown.length;
  return ['', 'connected:', ...shown, ...(more > 0 ? [`  and ${more} more`] : [])];
}

function renderRefusal({ at, count, address, method, path, status, rule, remedy }: Refusal): string[] {
  const times = count === 1 ? '' : ` (${count} times)`;
  const line = `  ${clock(at)}  ${address}  ${method} ${path}  ${status} by ${rule}${times}`;
  return remedy === undefined ? [line] : [line, `            ${remedy}`];
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}
