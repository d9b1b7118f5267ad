/** Answers that ended the process: status 099, odd reason phrases, header bytes outside ASCII. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const NONSENSE = [
  'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 20 Odd\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 2000 Odd\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 abc Odd\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzzz',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n',
  'HTTP/1.1 200 OK\r\n folded\r\n\r\n',
  'SSH-2.0-OpenSSH_9.2\r\n',
  '\x15\x03\x01\x00\x02\x02\x46',
  '\r\n\r\n\r\n\r\nnonsense',
  `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
];

for (const bytes of NONSENSE) {
  test(`${JSON.stringify(bytes.slice(0, 70))} is 502 server-down`, async () => {
    const origin = await startAnswering((_request, connection) => {
      setTimeout(() => connection.end(), 20);
      return Buffer.from(bytes, 'latin1');
    });
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const answer = await client.readAnswer();
      assert.is(answer.status, 502);
      assert.is(answer.header('x-lockgate-reason'), 'server-down');
      assert.is(lane.failures.length, 1);
      client.destroy();
    });
  });
}

for (const status of ['200', '299', '404', '451', '498', '520', '599', '700', '999']) {
  test(`status ${status} is passed on with its phrase`, async () => {
    const origin = await startAnswering(() => `HTTP/1.1 ${status} Odd but fine\r\nContent-Length: 0\r\n\r\n`);
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.is((await client.readAnswer()).statusLine, `HTTP/1.1 ${status} Odd but fine`);
      client.destroy();
    });
  });
}

test('reason phrases: absent, empty, Latin-1; control characters drop the phrase, not the answer', async () => {
  const phrases = ['', ' ', ' Gr\xfc\xdfe', ' a\tb', ' a\x01b', ' a\x7fb'];
  const origin = await startAnswering((request) =>
    Buffer.from(`HTTP/1.1 200${phrases[Number(request.target.slice(1))]}\r\nContent-Length: 0\r\n\r\n`, 'latin1'),
  );
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const lines: string[] = [];
    for (const index of phrases.keys()) {
      client.write(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
      lines.push((await client.readAnswer()).statusLine);
    }
    assert.equal(lines, [
      'HTTP/1.1 200 ',
      'HTTP/1.1 200 ',
      'HTTP/1.1 200 Gr\xfc\xdfe',
      'HTTP/1.1 200 a\tb',
      'HTTP/1.1 200 ',
      'HTTP/1.1 200 ',
    ]);
    client.destroy();
  });
});

test('header bytes outside ASCII arrive as they were', async () => {
  const value = Buffer.from('Фильм é').toString('latin1');
  const origin = await startAnswering(() =>
    Buffer.from(`HTTP/1.1 200 OK\r\nX-Name: ${value}\r\nContent-Length: 0\r\n\r\n`, 'latin1'),
  );
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).header('x-name'), value);
    client.destroy();
  });
});

test.run();
