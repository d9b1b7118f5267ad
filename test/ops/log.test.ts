/** The log, written to a real file descriptor and read back. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog, type GatewayLog } from '../../src/ops/log.ts';

const test = suite<{ dir: string; path: string; fd: number }>('log');

test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'lockgate-log-'));
  context.path = join(context.dir, 'log');
  context.fd = openSync(context.path, 'w');
});
test.after.each((context) => {
  closeSync(context.fd);
  rmSync(context.dir, { recursive: true });
});

function linesOf(log: GatewayLog, path: string): string[] {
  log.flush();
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

test('elsewhere than on a terminal a line is one JSON object with level, time, message and fields', ({ fd, path }) => {
  const log = createLog({ level: 'info', format: 'auto', fd, isTerminal: false });
  log.info({ event: 'ready', addresses: ['0.0.0.0:32443'] }, 'listening');
  const [line] = linesOf(log, path);
  const { time, ...rest } = JSON.parse(line ?? '') as Record<string, unknown>;
  assert.equal(rest, { level: 'info', event: 'ready', addresses: ['0.0.0.0:32443'], message: 'listening' });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
});

test('as text, nothing that a client sent can forge a line or a field', ({ fd, path }) => {
  const log = createLog({ level: 'info', format: 'text', fd, isTerminal: false });
  log.info({ path: '/a\n12:00:00 info  forged rule=valid', agent: 'x rule=valid \u001b[2J\u009b2J' }, 'refused');
  const lines = linesOf(log, path);
  assert.is(lines.length, 1);
  assert.match(
    lines[0] ?? '',
    /refused path="\/a\\n12:00:00 info {2}forged rule=valid" agent="x rule=valid \\u001b\[2J\\u009b2J"$/,
  );
});

test('as text, the time is that of the clock on the wall', ({ fd, path }) => {
  const log = createLog({ level: 'info', format: 'text', fd, isTerminal: false });
  const before = new Date().toTimeString().slice(0, 8);
  log.info({}, 'hello');
  const after = new Date().toTimeString().slice(0, 8);
  const [line = ''] = linesOf(log, path);
  assert.ok([before, after].includes(line.slice(0, 8)), line);
});

test('credentials are removed from fields at any depth', ({ fd, path }) => {
  const log = createLog({ level: 'info', format: 'json', fd, isTerminal: false });
  log.warn(
    { url: '/x?X-Plex-Token=abcdef', nested: { list: ['api_key=abcdef'] }, error: new Error('token=abcdef') },
    'x',
  );
  assert.not.match(linesOf(log, path).join(''), 'abcdef');
});

test('the same line is written once a minute and counted', ({ fd, path }) => {
  let now = 0;
  const log = createLog({ level: 'info', format: 'json', fd, isTerminal: false, now: () => now });
  for (let i = 0; i < 1000; i += 1) log.warn({ client: '10.0.0.1' }, 'stale token');
  log.warn({ client: '10.0.0.2' }, 'stale token');
  now = 61_000;
  log.warn({ client: '10.0.0.1' }, 'stale token');
  const lines = linesOf(log, path).map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(
    lines.map((line) => [line['client'], line['repeated']]),
    [
      ['10.0.0.1', undefined],
      ['10.0.0.2', undefined],
      ['10.0.0.1', 999],
    ],
  );
});

test('refusals are counted too; other information is written each time', ({ fd, path }) => {
  const log = createLog({ level: 'info', format: 'json', fd, isTerminal: false });
  for (let i = 0; i < 3; i += 1) {
    log.info({ client: '10.0.0.1', status: 401 }, 'refused');
    log.info({ event: 'reloaded' }, 'reloaded');
  }
  const messages = linesOf(log, path).map((line) => (JSON.parse(line) as { message: string }).message);
  assert.equal(messages, ['refused', 'reloaded', 'reloaded', 'reloaded']);
});

test('fields that hold themselves are written without end in sight but with an end', ({ fd, path }) => {
  const log = createLog({ level: 'debug', format: 'json', fd, isTerminal: false });
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  log.debug({ loop }, 'x');
  assert.is(linesOf(log, path).length, 1);
});

test('the level can be changed while it runs', ({ fd, path }) => {
  const log = createLog({ level: 'error', format: 'json', fd, isTerminal: false });
  log.info({}, 'hidden');
  log.setLevel('info');
  log.info({}, 'shown');
  assert.is(linesOf(log, path).length, 1);
});

test.run();
