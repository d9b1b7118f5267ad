/** Writes what was measured: the goals for the terminal, everything for docs/performance.md. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { CONTENDERS } from './contenders.ts';
import { DNS_WORKLOADS } from './dns.ts';
import type { Figures, Workload } from './figures.ts';
import { judgeGoals } from './goals.ts';
import { ratios, spreadOf, spreadText } from './statistics.ts';

const TITLES: Readonly<Record<Workload, string>> = {
  get: 'µs per GET of 1 KiB, 32 connections',
  appGet: "µs per GET of 1 KiB with an app's dozen fields",
  h2Get: 'µs per GET of 1 KiB over HTTP/2, 8 connections with 4 streams each',
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
all threads of a program, from /proc. Rounds are interleaved, so that what else the machine does hits all alike; a figure is the median of
its rounds, with the least and the greatest in parentheses (the noise), and a ratio is the median of the rounds' ratios. A first round,
which makes everybody warm, does not count. lockgate runs as it ships: the policy decides on every request by a credential that it
has verified with the server, the log is on, and so are the flags of the packages. HAProxy has 64 KiB buffers, nginx passes answers on
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
    ...CONTENDERS.map((name) => spreadText(spreadOf(figures.work[workload as Workload][name]))),
  ]),
)}

## Growth

${markdownTable(
  ['', 'lockgate', 'HAProxy'],
  figures.growth.map(({ what, count, lockgate, HAProxy }) => [
    what === 'connections' ? `µs per GET, ${count} connections` : `s per GiB, ${count} streams`,
    spreadText(spreadOf(lockgate)),
    spreadText(spreadOf(HAProxy)),
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

## Names

Microseconds of CPU per question, asked by dnsperf; one process each.

${markdownTable(
  ['', 'lockgate', 'dnsmasq', 'ratio', 'lockgate, questions per second', 'dnsmasq'],
  figures.dns.map(({ workload, lockgate, dnsmasq, perSecond, dnsmasqPerSecond }) => [
    DNS_WORKLOADS[workload].title,
    spreadText(spreadOf(lockgate)),
    spreadText(spreadOf(dnsmasq)),
    spreadText(spreadOf(ratios(lockgate, dnsmasq))),
    spreadText(spreadOf(perSecond), 0),
    spreadText(spreadOf(dnsmasqPerSecond), 0),
  ]),
)}

${readFileSync(join(import.meta.dirname, 'notes.md'), 'utf8')}`;
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
