/** Credentials must not reach a log, in whatever wrapping a URL brings them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { redact } from '../../src/lib/redact.ts';

const SECRET = 'sEcReTvAlUe0123456789';

const CARRIERS = [
  `/library?X-Plex-Token=${SECRET}`,
  `/library?x-plex-token=${SECRET}&a=b`,
  `/library?X%2DPlex%2DToken=${SECRET}`,
  `/photo/:/transcode?url=%2Flibrary%2Fmetadata%3FX-Plex-Token%3D${SECRET}%26width%3D3`,
  `/photo?url=https%253A%252F%252Fa%252F%253FX-Plex-Token%253D${SECRET}%2526b`,
  `/Items?api_key=${SECRET}`,
  `/Items?ApiKey=${SECRET}`,
  `MediaBrowser Client="x", Token="${SECRET}"`,
  `Authorization: Bearer ${SECRET}`,
  `X-Plex-Token: ${SECRET}`,
  `Cookie: lockgate=${SECRET}`,
  `/myplex/claim?token=claim-${SECRET}`,
  `pin=${SECRET}`,
];

test('no carrier of a credential shows it', () => {
  for (const carrier of CARRIERS) assert.not.match(redact(carrier), SECRET, carrier);
});

test('what stands around a credential stays readable', () => {
  assert.is(redact('/library?a=1&X-Plex-Token=abc&b=2'), '/library?a=1&X-Plex-Token=REMOVED&b=2');
  assert.is(redact('/library/sections/1/all?type=1'), '/library/sections/1/all?type=1');
  assert.is(redact('/hubs?monkey=banana'), '/hubs?monkey=banana');
});

test('a claim code, a transient token and a JSON Web Token are removed wherever they stand', () => {
  assert.is(redact('code claim-AbCdEfGhIjKlMnOp here'), 'code REMOVED here');
  assert.is(redact('transient-0123456789abcdef'), 'REMOVED');
  assert.is(redact('eyJhbGciOiJI.eyJzdWIiOiIx.c2ln'), 'REMOVED');
});

test('a long text is cut, and a credential at the cut is not shown', () => {
  const text = `${'a'.repeat(2040)}?X-Plex-Token=${SECRET}`;
  assert.not.match(redact(text), SECRET.slice(0, 8));
  assert.ok(redact(text).length <= 2060);
});

test.run();
