/** Forged forwarding headers gave remote attackers local rights (CVE-2023-33193): the server hears of exactly one client, the true one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const FORGED = [
  'X-Forwarded-For: 192.168.1.2',
  'x-forwarded-for: 192.168.1.2, 10.0.0.1',
  'X-FORWARDED-FOR:192.168.1.2',
  'X_Forwarded_For: 192.168.1.2',
  'X-Forwarded_For: 192.168.1.2',
  'X-Forwarded: for=192.168.1.2',
  'X-Forwarded-Proto: ftp',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Port: 1',
  'X-Forwarded-Server: evil.example',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Ssl: off',
  'X-Original-For: 192.168.1.2',
  'X-Original-URL: /admin',
  'X-Rewrite-URL: /admin',
  'X-Real-IP: 192.168.1.2',
  'Forwarded: for=192.168.1.2;proto=ftp',
  'CF-Connecting-IP: 192.168.1.2',
  'True-Client-IP: 192.168.1.2',
  'X-Client-IP: 192.168.1.2',
  'X-Cluster-Client-IP: 192.168.1.2',
  'Client-IP: 192.168.1.2',
  'Via: 1.1 evil',
  'Proxy: http://evil.example',
];

for (const field of FORGED) {
  test(`${field} is replaced by the truth`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port, localAddress: '127.0.0.9' });
      client.write(`GET / HTTP/1.1\r\nHost: a:8080\r\n${field}\r\n${field}\r\n\r\n`);
      await client.readAnswer();
      const [request] = origin.requests;
      assert.equal(request?.values('x-forwarded-for'), ['127.0.0.9']);
      assert.equal(request?.values('x-real-ip'), ['127.0.0.9']);
      assert.equal(request?.values('x-forwarded-proto'), ['http']);
      assert.equal(request?.values('x-forwarded-host'), ['a:8080']);
      assert.equal(request?.values('x-forwarded-port'), ['8080']);
      assert.equal(request?.values('forwarded'), ['for=127.0.0.9;host="a:8080";proto=http']);
      const text = JSON.stringify(request?.rawHeaders);
      assert.not.match(text, /192\.168\.1\.2|evil|admin|ftp|off/);
      assert.equal(lane.decided[0]?.values(field.split(':')[0]?.toLowerCase() ?? '').length, 2, 'the policy sees them');
      client.destroy();
    });
  });
}

test('Host, Origin and Referer pass unchanged', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nhOsT: A.Example:1\r\nOrigin: https://app.plex.tv\r\nReferer: https://x/\r\n\r\n');
    await client.readAnswer();
    assert.equal(origin.requests[0]?.rawHeaders.slice(0, 6), [
      'hOsT',
      'A.Example:1',
      'Origin',
      'https://app.plex.tv',
      'Referer',
      'https://x/',
    ]);
    client.destroy();
  });
});

test('a client behind a trusted proxy is the one that the policy found; an unknown one is unknown', async () => {
  const origin = await startAnswering(() => ok());
  let address: string | undefined = '2001:db8::1';
  await withLane(origin, { clientOf: () => ({ address, tls: true }) }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n');
    await client.readAnswer();
    assert.equal(origin.requests[0]?.values('x-forwarded-for'), ['2001:db8::1']);
    assert.equal(origin.requests[0]?.values('forwarded'), ['for="[2001:db8::1]";host=a;proto=https']);
    assert.equal(origin.requests[0]?.values('x-forwarded-port'), ['443']);
    address = undefined;
    client.write('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n');
    await client.readAnswer();
    assert.equal(origin.requests[1]?.values('x-forwarded-for'), []);
    assert.equal(origin.requests[1]?.values('x-real-ip'), []);
    assert.equal(origin.requests[1]?.values('forwarded'), ['for=unknown;host=a;proto=https']);
    client.destroy();
  });
});

test.run();
