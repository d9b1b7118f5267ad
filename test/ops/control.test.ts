/** The control socket, driven over a real Unix socket. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../src/lib/errors.ts';
import { askControl, controlSocketPath, serveControl } from '../../src/ops/control.ts';

const test = suite<{ dir: string }>('control socket');

test.before.each(async (context) => {
  context.dir = await mkdtemp(join(tmpdir(), 'lockgate-control-'));
});
test.after.each(async (context) => {
  await rm(context.dir, { recursive: true, force: true });
});

async function failureOf(promise: Promise<unknown>): Promise<GatewayError> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  assert.instance(error, GatewayError);
  return error as GatewayError;
}

test('a question reaches its handler and the answer comes back', async ({ dir }) => {
  const control = await serveControl(dir, { double: async (question) => ({ value: Number(question['n']) * 2 }) });
  assert.equal(await askControl(dir, { command: 'double', n: 21 }), { value: 42 });
  await control.close();
});

test('the socket is for its owner alone', async ({ dir }) => {
  const control = await serveControl(dir, {});
  assert.is((await stat(controlSocketPath(dir))).mode & 0o777, 0o600);
  await control.close();
});

test('an error keeps its sentence and its remedy', async ({ dir }) => {
  const control = await serveControl(dir, {
    reload: async () => {
      throw new GatewayError('config', 'the file is wrong', { hint: 'mend it' });
    },
  });
  const error = await failureOf(askControl(dir, { command: 'reload' }));
  assert.is(error.sentence, 'the file is wrong (mend it)');
  await control.close();
});

test('without a gateway the answer says so and ends with status 1', async ({ dir }) => {
  const error = await failureOf(askControl(dir, { command: 'status' }));
  assert.is(error.code, 'not-running');
  assert.is(error.exitStatus, 1);
});

test('a second gateway on the same folder is refused, a dead socket is taken over', async ({ dir }) => {
  const first = await serveControl(dir, {});
  const error = await failureOf(serveControl(dir, {}));
  assert.is(error.code, 'bind');
  await first.close();
  const again = await serveControl(dir, { ping: async () => 'pong' });
  assert.is(await askControl(dir, { command: 'ping' }), 'pong');
  await again.close();
});

test('an unknown command, an inherited name and garbage do no harm', async ({ dir }) => {
  const control = await serveControl(dir, { ping: async () => 'pong' });
  assert.match((await failureOf(askControl(dir, { command: 'constructor' }))).message, /does not know "constructor"/);
  for (const garbage of ['null\n', '[]\n', '{"command":', `${'x'.repeat(100_000)}\n`]) {
    await new Promise<void>((resolve) => {
      const socket = connect(controlSocketPath(dir), () => socket.end(garbage));
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.resume();
    });
  }
  assert.is(await askControl(dir, { command: 'ping' }), 'pong');
  await control.close();
});

test('a folder whose name is too long for a socket is refused with the limit', async () => {
  const error = await failureOf(serveControl(`/tmp/${'d'.repeat(120)}`, {}));
  assert.is(error.code, 'state');
  assert.match(error.sentence, /at most \d+ bytes/);
});

test.run();
