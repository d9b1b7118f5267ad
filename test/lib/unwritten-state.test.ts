import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnwrittenState } from '../../src/lib/unwritten-state.ts';

const test = suite<{ path: string; state: UnwrittenState }>('unwritten state');

test.before.each((context) => {
  context.path = mkdtempSync(join(tmpdir(), 'lockgate-state-'));
  mkdirSync(join(context.path, 'ca'));
  writeFileSync(join(context.path, 'server.json'), '{"id":"a"}');
  writeFileSync(join(context.path, 'ca', 'root.pem'), 'root');
  context.state = new UnwrittenState(context.path);
});
test.after.each(({ path }) => rmSync(path, { recursive: true, force: true }));

const text = async (read: Promise<Buffer | undefined>) => (await read)?.toString();

test('shows what is remembered, in folders too', async ({ state }) => {
  assert.equal(await state.readJson('server.json'), { id: 'a' });
  assert.is(await text(state.folder('ca').read('root.pem')), 'root');
  assert.is(await state.read('nothing'), undefined);
});

test('keeps changes in mind and leaves the folder as it is', async ({ state, path }) => {
  await state.prepare();
  await state.write('server.json', '{"id":"b"}');
  await state.folder('ca').write('leaf.pem', 'leaf');
  await state.folder('ca').remove('root.pem');
  await state.remove('client-id');
  assert.equal(await state.readJson('server.json'), { id: 'b' });
  assert.is(await text(state.folder('ca').read('leaf.pem')), 'leaf');
  assert.is(await state.folder('ca').read('root.pem'), undefined);
  assert.equal(readdirSync(path, { recursive: true }).sort(), ['ca', 'ca/root.pem', 'server.json']);
  assert.is(readFileSync(join(path, 'server.json'), 'utf8'), '{"id":"a"}');
});

test('is empty where the folder is not there, and where it may not be read', async ({ path }) => {
  assert.is(await new UnwrittenState(join(path, 'none')).read('server.json'), undefined);
  mkdirSync(join(path, 'folder-in-place-of-a-file'));
  assert.is(await new UnwrittenState(path).read('folder-in-place-of-a-file'), undefined);
});

test.run();
