/** The XML that routers send: read when it is plain, refused when it is anything else, and never slowly. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { childText, elementsNamed, escapeXml, MAX_XML_LENGTH, parseXml } from '../../src/remote/xml.ts';

const test = suite('XML of routers');

test('elements, text, prefixes, attributes, comments and references are read', () => {
  const root = parseXml(
    '\uFEFF<?xml version="1.0" encoding="utf-8"?>\n<!-- a router --><s:Envelope xmlns:s="urn:x" a = \'1\'>\n <s:Body>' +
      '<name>Fritz &amp; Söhne &#x41;&#66;</name><empty/></s:Body></s:Envelope>\n',
  );
  assert.is(root?.name, 'Envelope');
  const [body] = elementsNamed(root!, 'Body');
  assert.is(childText(body!, 'name'), 'Fritz & Söhne AB');
  assert.is(childText(body!, 'empty'), '');
  assert.is(childText(body!, 'missing'), undefined);
});

test('whatever else XML can do is refused', () => {
  const refused = {
    'a document type': '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    'an unknown entity': '<a>&nbsp;</a>',
    'a reference without an end': '<a>&amp</a>',
    'a control character': '<a>&#0;</a>',
    'half a surrogate pair': '<a>&#xD800;</a>',
    CDATA: '<a><![CDATA[x]]></a>',
    'a processing instruction': '<a><?php x ?></a>',
    'an attribute without quotes': '<a b=c></a>',
    'an element that is not closed': '<a><b></a>',
    'an element closed twice': '<a></a></a>',
    'two roots': '<a/><b/>',
    'text around the root': 'x<a/>',
    'half a tag': '<a><b',
    'a closing tag that is empty': '<a></a/>',
    nothing: '',
  };
  for (const [what, text] of Object.entries(refused)) assert.is(parseXml(text), undefined, what);
});

test('size, depth and number of elements are bounded', () => {
  assert.is(parseXml(`<a>${' '.repeat(MAX_XML_LENGTH)}</a>`), undefined);
  assert.is(parseXml('<a>'.repeat(30) + '</a>'.repeat(30)), undefined);
  assert.is(parseXml(`<a>${'<b/>'.repeat(5000)}</a>`), undefined);
  assert.ok(parseXml(`<a>${'<b/>'.repeat(3000)}</a>`));
});

test('texts made to be slow are refused quickly', () => {
  const started = performance.now();
  const blanks = ' '.repeat(60_000);
  for (const text of [
    `<a${blanks}`,
    `<a b=""${blanks}`,
    `<!--${'-'.repeat(60_000)}`,
    `<a>${'&'.repeat(60_000)}`,
    `<${'a'.repeat(60_000)}`,
  ])
    assert.is(parseXml(text), undefined);
  assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`);
});

test('text written into XML comes back as it was', () => {
  const text = `<a href="x">'&amp;'</a>`;
  assert.is(parseXml(`<v>${escapeXml(text)}</v>`)?.text, text);
});

test.run();
