/** Checks as lines for a terminal. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Check, renderChecks } from '../../src/ops/check.ts';

test('what a router says of itself cannot forge a line of the gateway’s own', () => {
  const forged: Check = {
    name: 'port forwarding',
    verdict: 'fault',
    evidence: 'port 32400 of the router leads to x\r\nok       nat  one NAT\u2028next: do evil port 1',
    remedy: 'change it\nnext: do evil',
  };
  const lines = renderChecks([forged]);
  assert.is(lines.length, 3);
  for (const line of lines) assert.not.match(line, /[\n\r\u2028]/);
  assert.is(lines[2], 'next: change it next: do evil');
});

test.run();
