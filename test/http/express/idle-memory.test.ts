/** What an idle connection holds on to: large fields or bodies of its last request are not among it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClientGround, viewClient } from '../../../src/gateway/gate-options.ts';
import { networkList } from '../../../src/gateway/settings.ts';
import type { Client } from '../../../src/http/forwarding-headers.ts';
import type { Peer, RequestHead } from '../../../src/http/request.ts';
import { withLane } from '../../support/full-lane.ts';
import { ok, startAnswering } from '../../support/origin.ts';
import { connectRaw, type RawClient } from '../../support/raw.ts';

const CONNECTIONS = 100;
/** More than is kept to save reading it again, and less than what goes to the full lane. */
const LARGE_BYTES = 12_000;
const FILLING = 'x'.repeat(LARGE_BYTES);
const SMALL = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LARGE = {
  fields: `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${FILLING}\r\n\r\n`,
  bodies: `POST / HTTP/1.1\r\nHost: b\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n${FILLING}`,
  targets: `GET /?${FILLING} HTTP/1.1\r\nHost: c\r\n\r\n`,
};

const nobody = networkList([], []);
const ground = {
  trustedProxies: nobody,
  proxyProtocolFrom: nobody,
  settings: { allowedNetworks: nobody },
  site: { view: { lanList: nobody, routers: [], isRouter: false } },
} as unknown as ClientGround;

for (const [what, large] of Object.entries(LARGE)) {
  test(`large ${what} are not kept on idle connections`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, { express: true, clientOf }, async (lane) => {
      const clients: RawClient[] = [];
      for (let index = 0; index < CONNECTIONS; index++) clients.push(await connectRaw({ port: lane.port }));
      const askOnEach = async (request: Buffer) => {
        for (const client of clients) {
          client.socket.write(request);
          assert.is((await client.readAnswer()).status, 200);
        }
        // What the test itself keeps of them.
        lane.decided.length = 0;
        lane.records.length = 0;
        origin.requests.length = 0;
      };
      await askOnEach(Buffer.from(SMALL));
      const before = heapBytes();
      await askOnEach(Buffer.from(large));
      const perConnection = Math.round((heapBytes() - before) / CONNECTIONS);
      assert.ok(perConnection < LARGE_BYTES / 4, `${perConnection} bytes on each idle connection`);
      for (const client of clients) client.destroy();
    });
  });
}

function clientOf(head: RequestHead, peer: Peer): Client {
  const { address, isTls } = viewClient(head, peer, ground);
  return { address, tls: isTls };
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test.run();
