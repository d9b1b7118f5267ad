/** A GET with `Trailer:` ended the process (http-proxy #1647); request trailers are headers that no policy has seen. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

test('a GET with a Trailer header is answered, and the header ends at the gateway', async () => {
  const origin = await startAnswering((request) => ok(String(request.header('trailer'))));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), 'undefined');
    client.write('GET / HTTP/1.1\r\nHost: a\r\nTrailer: \r\nTrailer: X-Sum, Host\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), 'undefined');
    client.destroy();
  });
});

test('trailers of a request do not reach the server, neither as trailers nor as headers', async () => {
  const origin = await startAnswering((request) => ok(request.body.toString()));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const trailers = 'X-Plex-Token: stolen\r\nX-Forwarded-For: 127.0.0.1\r\n';
    client.write(
      `POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Plex-Token\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    client.write(`2\r\nhi\r\n0\r\n${trailers}\r\n`);
    assert.is((await client.readAnswer()).body.toString(), 'hi', 'the origin reads a body without trailers');
    assert.equal(lane.decided[0]?.values('x-plex-token'), []);
    assert.is(origin.requests[0]?.header('x-plex-token'), undefined);
    client.destroy();
  });
});

test.run();
