/** kill -9 at every step of an order: what is kept can be read, and the next start comes to a good end with the same order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Issuing, whileIssuing } from './issuing.ts';

/** Directory, nonce, account, order, its first look, authorization, challenge, its result, order again, finalize, order, certificate. */
const LEAST_REQUESTS = 12;

function begin({ authority, state }: Issuing): ChildProcess {
  const script = join(import.meta.dirname, 'issuing-process.ts');
  const { directory, caFile } = authority;
  return spawn(process.execPath, [script, directory, caFile, state.path], { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function finish(issuing: Issuing, story: string): Promise<void> {
  await issuing.restart();
  await issuing.until(({ notAfter }) => notAfter !== undefined);
  await assertSound(issuing, story);
}

/** Whatever is kept is whole: a certificate always with its own key, JSON never cut. */
async function assertSound({ store, state }: Issuing, story: string): Promise<void> {
  const kept = await store.readCertificate();
  if (kept !== undefined) assert.ok(kept.chain.keyPem.startsWith('-----BEGIN PRIVATE KEY'), story);
  const folder = join(state.path, 'acme');
  for (const name of readdirOrEmpty(folder).filter((file) => file.endsWith('.json') && !file.startsWith('.'))) {
    assert.not.throws(() => JSON.parse(readFileSync(join(folder, name), 'utf8')), undefined, `${story}: ${name}`);
  }
}

function readdirOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

test('killed before the answer to each request in turn', async () => {
  for (let step = 1; ; step += 1) {
    let isReached = false;
    await whileIssuing(async (issuing) => {
      const { authority } = issuing;
      const child = begin(issuing);
      const ended = once(child, 'exit');
      authority.before = async () => {
        if (authority.requests.length !== step) return false;
        isReached = true;
        authority.before = () => false;
        child.kill('SIGKILL');
        await ended;
        return true;
      };
      await ended;
      if (!isReached) return;
      const story = `killed at request ${step}, ${authority.requests.at(-1)}`;
      await assertSound(issuing, story);
      await finish(issuing, story);
      assert.ok(authority.orders.length <= 2, `${story}: ${authority.orders.length} orders`);
      // The order is known once its answer is kept: from then on there is no second one.
      const isKnown = step > authority.requests.indexOf('newOrder') + 2;
      if (isKnown) assert.is(authority.orders.length, 1, story);
    });
    if (!isReached) {
      assert.ok(step > LEAST_REQUESTS, `there were ${step} requests`);
      return;
    }
  }
});

test('killed at any moment, five times in a row', () =>
  whileIssuing(async (issuing) => {
    for (let round = 0; round < 5; round += 1) {
      const child = begin(issuing);
      const ended = once(child, 'exit');
      const killing = setTimeout(() => child.kill('SIGKILL'), 250 + Math.random() * 350);
      await ended;
      clearTimeout(killing);
      await assertSound(issuing, `round ${round}`);
    }
    await finish(issuing, 'at last');
    assert.ok(issuing.authority.orders.length <= 6);
  }));

test.run();
