/** The channel between processes: questions have their answer, none, or none in time, and never somebody else's. */
import { EventEmitter } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Channel, type Ears, type Port } from '../../src/gateway/workers/channel.ts';

interface Talk {
  readonly notes: { readonly word: string };
  readonly questions: { readonly double: { readonly asked: number; readonly answered: number } };
}

/** One end of a channel; what is sent arrives at the other as JSON, a little later. */
class End extends EventEmitter implements Port {
  other: End | undefined;

  send(message: object): boolean {
    const text = JSON.stringify(message);
    setImmediate(() => this.other?.emit('message', JSON.parse(text), undefined));
    return true;
  }
}

const SILENT: Ears<Talk> = { notes: { word: () => {} }, questions: { double: () => new Promise(() => {}) } };
const IN_TIME_MS = 5_000;

const test = suite('the channel');

function pair(ears: Partial<Ears<Talk>> = {}) {
  const [here, there] = [new End(), new End()];
  here.other = there;
  there.other = here;
  const defects: unknown[] = [];
  const near = new Channel<Talk, Talk>(here, SILENT, () => {});
  const far = new Channel<Talk, Talk>(there, { ...SILENT, ...ears }, (error) => defects.push(error));
  return { near, far, here, defects };
}

test('each question gets its own answer, in whatever order they come', async () => {
  const waits: (() => void)[] = [];
  const questions = {
    double: (number: number) => new Promise<number>((resolve) => waits.push(() => resolve(number * 2))),
  };
  const { near } = pair({ questions });
  const asked = [1, 2, 3].map((number) => near.ask('double', number, IN_TIME_MS));
  while (waits.length < 3) await new Promise(setImmediate);
  for (const wait of waits.reverse()) wait();
  assert.equal(await Promise.all(asked), [2, 4, 6]);
});

test('notes come in the order in which they were told', async () => {
  const heard: string[] = [];
  const { near } = pair({ notes: { word: (word) => heard.push(word) } });
  for (const word of ['a', 'b', 'c']) near.tell('word', word);
  while (heard.length < 3) await new Promise(setImmediate);
  assert.equal(heard, ['a', 'b', 'c']);
});

test('no answer in time is no answer, and one that comes too late is nobody’s', async () => {
  let answer = (_value: number) => {};
  const questions = { double: () => new Promise<number>((resolve) => (answer = resolve)) };
  const { near } = pair({ questions });
  assert.is(await near.ask('double', 1, 10), undefined);
  const next = near.ask('double', 2, 50);
  answer(99);
  assert.is(await next, undefined);
});

test('a question whose handler fails has no answer, and the failure is heard', async () => {
  const questions = {
    double: (): number => {
      throw new Error('cannot count');
    },
  };
  const { near, defects } = pair({ questions });
  assert.is(await near.ask('double', 1, IN_TIME_MS), undefined);
  assert.match(String(defects[0]), /cannot count/);
});

test('questions end with the other side, and more are not asked', async () => {
  const { near } = pair();
  const asked = near.ask('double', 1, IN_TIME_MS);
  near.close();
  assert.is(await asked, undefined);
  assert.is(await near.ask('double', 2, IN_TIME_MS), undefined);
});

test('so many questions may wait, and the next has no answer at once', async () => {
  const { near } = pair();
  for (let number = 0; number < 1_024; number += 1) void near.ask('double', number, IN_TIME_MS);
  const before = performance.now();
  assert.is(await near.ask('double', 0, IN_TIME_MS), undefined);
  assert.ok(performance.now() - before < IN_TIME_MS);
  near.close();
});

test('what nobody knows is passed over', async () => {
  const { near, here } = pair({ questions: { double: (number) => number * 2 } });
  here.other?.emit('message', { note: 'rumour', content: 1 }, undefined);
  here.other?.emit('message', { question: 'why', number: 7, content: 1 }, undefined);
  here.emit('message', { answerTo: 12_345, answer: 1 }, undefined);
  assert.is(await near.ask('double', 4, IN_TIME_MS), 8);
});

test.run();
