/**
 * The test runner: one process per file, a deadline for each, nothing but exit 0 with every test passed counts.
 * `node test/run.ts [part of a path …]`; closes with the line `N passed, N failed[, N skipped]`.
 */
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';

const FILE_DEADLINE_MS = 300_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const ROOT = join(import.meta.dirname, '..');

interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly problem: string | undefined;
  readonly output: string;
  readonly seconds: number;
}

async function findTestFiles(filters: readonly string[]): Promise<string[]> {
  const entries = await readdir(import.meta.dirname, { recursive: true });
  const files = entries.filter((entry) => entry.endsWith('.test.ts')).sort();
  if (filters.length === 0) return files;
  return files.filter((file) => filters.some((filter) => join('test', file).includes(filter)));
}

function runFile(file: string): Promise<FileResult> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--throw-deprecation', join(import.meta.dirname, file)], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT_BYTES) output += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    let timedOut = false;
    const deadline = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, FILE_DEADLINE_MS);
    child.on('close', (exitCode) => {
      clearTimeout(deadline);
      killGroup(child.pid);
      const seconds = (performance.now() - started) / 1000;
      resolve(judge({ file, output, exitCode, timedOut, seconds }));
    });
  });
}

/** Ends what a test file left behind: it ran in a process group of its own. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone: the usual case.
  }
}

/** A file passes with exit 0, at least one test, and every test passed or skipped with a printed reason. */
function judge(run: {
  file: string;
  output: string;
  exitCode: number | null;
  timedOut: boolean;
  seconds: number;
}): FileResult {
  const count = (label: string) => {
    const match = run.output.match(new RegExp(`^\\s+${label}:\\s+(\\d+)`, 'm'));
    return match === null ? undefined : Number(match[1]);
  };
  const total = count('Total') ?? 0;
  const passed = count('Passed') ?? 0;
  const skipped = count('Skipped') ?? 0;
  const problem = problemOf(run, { total, passed, skipped });
  const failed = problem === undefined ? 0 : Math.max(1, total - passed);
  return { file: run.file, passed, failed, skipped, problem, output: run.output, seconds: run.seconds };
}

function problemOf(
  run: { exitCode: number | null; timedOut: boolean },
  counts: { total: number; passed: number; skipped: number },
): string | undefined {
  if (run.timedOut) return `did not end within ${FILE_DEADLINE_MS / 1000} s`;
  if (run.exitCode !== 0) return `exit status ${run.exitCode}`;
  if (counts.total + counts.skipped === 0) return 'ran no test (is .run() missing?)';
  if (counts.passed !== counts.total) return `${counts.total - counts.passed} of ${counts.total} failed`;
  return undefined;
}

function report(result: FileResult): void {
  const mark = result.problem === undefined ? 'ok  ' : 'FAIL';
  const skipped = result.skipped === 0 ? '' : `, ${result.skipped} skipped`;
  process.stdout.write(`${mark} ${result.file} (${result.passed} passed${skipped}, ${result.seconds.toFixed(1)} s)\n`);
  for (const line of result.output.split('\n')) {
    if (line.startsWith('skipped: ')) process.stdout.write(`     ${line}\n`);
  }
  if (result.problem === undefined) return;
  process.stdout.write(`     ${result.problem}\n${result.output.replace(/^/gm, '     | ')}\n`);
}

async function main(): Promise<void> {
  const files = await findTestFiles(process.argv.slice(2).map((filter) => relative(ROOT, join(process.cwd(), filter))));
  const queue = [...files];
  const results: FileResult[] = [];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file);
      report(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  const sum = (pick: (result: FileResult) => number) => results.reduce((total, result) => total + pick(result), 0);
  const passed = sum((result) => result.passed);
  const failed = sum((result) => result.failed) + (files.length === 0 ? 1 : 0);
  const skipped = sum((result) => result.skipped);
  if (files.length === 0) process.stdout.write('no test file matches\n');
  process.stdout.write(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
