import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { escapeHtml, html } from '../../src/http/pages/html.ts';

const test = suite('html');

test('escapes every character that could end a text or an attribute', () => {
  assert.is(
    escapeHtml(`<a href="x" b='y' c=\`z\`>&amp;`),
    '&lt;a href=&quot;x&quot; b=&#39;y&#39; c=&#96;z&#96;&gt;&amp;amp;',
  );
});

test('shows control characters and changes of the reading direction instead of obeying them', () => {
  assert.is(escapeHtml('film\u202Egpj.exe'), 'film\uFFFDgpj.exe');
  assert.is(escapeHtml('a\0b\x1B[31mc\x7F\x9B\u2066d'), 'a\uFFFDb\uFFFD[31mc\uFFFD\uFFFD\uFFFDd');
  assert.is(escapeHtml('two\nlines\tand a tab'), 'two\nlines\tand a tab');
});

test('keeps letters of every script', () => {
  assert.is(escapeHtml('Wohnzimmer ü 客厅 غرفة 🎬'), 'Wohnzimmer ü 客厅 غرفة 🎬');
});

test('a template escapes texts and keeps pieces of HTML', () => {
  const piece = html`<b>${'<i>'}</b>`;
  assert.is(html`<p title="${'"'}">${piece}${3}${undefined}</p>`.text, '<p title="&quot;"><b>&lt;i&gt;</b>3</p>');
});

test('a template joins a list of pieces', () => {
  const items = ['a', '<b>'].map((name) => html`<li>${name}</li>`);
  assert.is(html`<ul>${items}</ul>`.text, '<ul><li>a</li><li>&lt;b&gt;</li></ul>');
});

test.run();
