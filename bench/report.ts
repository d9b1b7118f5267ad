/** Writes what was measured: the goals for the terminal, everything for docs/performance.md. */
import { execFileSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import { CONTENDERS } from './contenders.ts';
import type { Figures, Workload } from './figures.ts';
import { judgeGoals } from './goals.ts';
import { type Spread, spreadOf } from './statistics.ts';

const TITLES: Readonly<Record<Workload, string>> = {
  get: 'µs per GET of 1 KiB, 32 connections',
  appGet: "µs per GET of 1 KiB with an app's dozen fields",
  stream: 's per GiB, 4 streams',
  post: 'µs per POST of 1 KiB, 32 connections',
  handshake: 'µs per full TLS 1.3 handshake',
};

/** The goals as a table for a terminal. */
export function renderGoals(figures: Figures): string {
  const rows = judgeGoals(figures).map(({ what, goal, measured, isMet }) => [mark(isMet), what, goal, measured]);
  return pad([['', 'what', 'goal', 'measured'], ...rows]);
}

/** The whole page. */
export function renderDocument(figures: Figures): string {
  return `# Performance

Written by \`make bench\`: lockgate beside HAProxy, nginx and Caddy, one process each, with the same certificate (P-256, TLS 1.3) and the
same media server (nginx with static files) behind them, everything on one machine over loopback. CPU time is user and system time of
all threads of a program, from /proc. Rounds are interleaved; a figure is the median of its rounds, with the least and the greatest
in parentheses, and a ratio is the median of the rounds' ratios. lockgate runs as it ships: the policy decides on every request by a
credential that it has verified with the server, and the access log is on. HAProxy has 64 KiB buffers, nginx passes answers on
unbuffered, Caddy is as it comes.

Measured on ${machine()}.

## Goals

${markdownTable(
  ['', 'what', 'goal', 'measured'],
  judgeGoals(figures).map(({ what, goal, measured, isMet }) => [mark(isMet), what, goal, measured]),
)}

## CPU time

${markdownTable(
  ['', ...CONTENDERS],
  Object.entries(TITLES).map(([workload, title]) => [
    title,
    ...CONTENDERS.map((name) => shown(spreadOf(figures.work[workload as Workload][name]))),
  ]),
)}

## Growth

${markdownTable(
  ['', 'lockgate', 'HAProxy'],
  figures.growth.map(({ what, count, lockgate, HAProxy }) => [
    what === 'connections' ? `µs per GET, ${count} connections` : `s per GiB, ${count} streams`,
    shown(spreadOf(lockgate)),
    shown(spreadOf(HAProxy)),
  ]),
)}

## Memory

MiB, private (RssAnon) / resident. Of lockgate's resident memory the greater part is the runtime's program file, which the kernel can drop
and read again.

${markdownTable(
  ['', 'idle', 'after 64 streams', 'KiB per idle WebSocket'],
  CONTENDERS.flatMap((name) => {
    const figure = figures.memory[name];
    if (figure === undefined) return [];
    const { idlePrivateMiB, idleResidentMiB, streamsPrivateMiB, streamsResidentMiB, perWebSocketKiB } = figure;
    const pair = (first: number, second: number) => `${first.toFixed(1)} / ${second.toFixed(1)}`;
    return [
      [
        name,
        pair(idlePrivateMiB, idleResidentMiB),
        pair(streamsPrivateMiB, streamsResidentMiB),
        perWebSocketKiB.toFixed(1),
      ],
    ];
  }),
)}

## How it is done

* Nearly all requests are GET and HEAD without a body. They take the **express lane**: a strict reader of heads that knows a client's fields
  again, raw connections to the server that are kept, and the answer's bytes passed on as they are. One buffer per stream is used
  again and again; the next bytes are read when the client has the last ones, so that a slow client costs no memory. Whatever
  is in any doubt goes to the **full lane**, which is Node's own HTTP server. Both ask the same policy.
* Nothing in the express lane has a timer of its own: deadlines are looked at twice a second.
* The young generation of the heap is 1 MiB (\`--max-semi-space-size=1\`): that costs a few percent of CPU and saves tens of MiB.
* \`[listen] express = false\` sends everything through the full lane.
`;
}

function machine(): string {
  const [processor] = cpus();
  const versions = [`Node ${process.versions.node}`, version('haproxy', ['-v'], /version (\S+)/)];
  versions.push(version('nginx', ['-v'], /nginx\/(\S+)/), version('caddy', ['version'], /^v?(\S+)/));
  return `${cpus().length} × ${processor?.model.trim()}, Linux ${release().split('-')[0]}, ${versions.join(', ')}`;
}

function version(program: string, argv: readonly string[], pattern: RegExp): string {
  const script = `PATH="$PATH:/usr/sbin" ${program} ${argv.join(' ')} 2>&1`;
  return `${program} ${pattern.exec(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }))?.[1]}`;
}

function mark(isMet: boolean | undefined): string {
  if (isMet === undefined) return '-';
  return isMet ? 'met' : 'missed';
}

function shown({ median, least, greatest }: Spread): string {
  const digits = median < 10 ? 2 : 0;
  return `${median.toFixed(digits)} (${least.toFixed(digits)}-${greatest.toFixed(digits)})`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function pad(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
