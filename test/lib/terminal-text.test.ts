import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { terminalText } from '../../src/lib/terminal-text.ts';

test('what moves a cursor, colours or turns the reading direction shows as a mark', () => {
  assert.is(terminalText('a\u001b[2Jb\u009b31mc\rd\u202ee\u007f'), 'a\ufffd[2Jb\ufffd31mc\ufffdd\ufffde\ufffd');
});

test('words of any language, tabs and lines stay', () => {
  assert.is(terminalText('Café „Łódź“\t映画\nzwei'), 'Café „Łódź“\t映画\nzwei');
});

test.run();
