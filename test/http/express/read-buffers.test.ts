/** Films are read in large pieces, out of a budget that all of them share. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RUNTIME_ENVIRONMENT } from '../../../docker/program/flags.ts';
import { ReadBuffers } from '../../../src/http/express/read-buffers.ts';
import { withLane } from '../../support/full-lane.ts';
import { ok, startAnswering } from '../../support/origin.ts';
import { connectRaw } from '../../support/raw.ts';

const MIB = 1024 * 1024;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function lendAll(buffers: ReadBuffers): Buffer[] {
  const lent: Buffer[] = [];
  for (let large = buffers.lendLarge(); large !== undefined; large = buffers.lendLarge()) lent.push(large);
  return lent;
}

const bytesOf = (lent: readonly Buffer[]) => lent.reduce((sum, { length }) => sum + length, 0);

test('however many films there are, their large buffers stay within the budget', () => {
  const buffers = new ReadBuffers();
  const lent = lendAll(buffers);
  assert.ok(lent.length > 16, `${lent.length} were lent`);
  assert.ok(bytesOf(lent) <= 8 * MIB, `${bytesOf(lent)} bytes were lent`);
  for (const large of lent) buffers.giveBack(large);
  assert.is(bytesOf(lendAll(buffers)), bytesOf(lent), 'what was given back is there again');
});

test('every buffer is large enough for the C library to give it back to the system at once', () => {
  assert.ok(new ReadBuffers().small().length > Number(RUNTIME_ENVIRONMENT.MALLOC_MMAP_THRESHOLD_));
});

test('a connection that carried a film is not kept with its large buffer; others are', async () => {
  let body = 'x'.repeat(4 * MIB);
  const origin = await startAnswering(() => ok(body));
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const ask = async () => {
      client.write(GET);
      assert.is((await client.readAnswer()).body.length, body.length);
    };
    await ask();
    await ask();
    assert.is(origin.connections.length, 2);
    body = 'x'.repeat(MIB / 2);
    await ask();
    await ask();
    await ask();
    assert.is(origin.connections.length, 3);
    client.destroy();
  });
});

test.run();
