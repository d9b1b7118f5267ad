import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import packet from 'dns-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTime } from '../support/in-time.ts';
import { askUdp, framed, type Reply } from './ask.ts';
import { makeAuthority } from './authority.ts';
import { type Asked, a, answerTo, type FakeUpstream, fakeUpstream } from './fake-upstream.ts';
import { withDns } from './site.ts';
import { TRUTH } from './upstream-scene.ts';

const authority = makeAuthority();
const forName = authority.issue(['DNS:dns.example']);
const forAddress = authority.issue(['IP:127.0.0.1']);
process.on('exit', () => authority.remove());

interface Secure {
  readonly port: number;
  /** Questions that arrived, raw. */
  readonly questions: Buffer[];
  /** Connections that completed a handshake. */
  connections: number;
  close(): Promise<void>;
}

function truthTo(question: Buffer): Buffer {
  const { name = '' } = packet.decode(question).questions?.[0] ?? {};
  return answerTo(question, { answers: [a(name, TRUTH)] });
}

async function listen(server: TlsServer | HttpsServer, questions: Buffer[]): Promise<Secure> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', () => {
    secure.connections += 1;
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const secure: Secure = {
    port: (server.address() as AddressInfo).port,
    questions,
    connections: 0,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  return secure;
}

/** DNS over TLS; `answer` may close the connection instead. */
async function dotServer(
  certificate: { key: string; cert: string },
  answer: (question: Buffer, socket: Socket) => void = (question, socket) => socket.write(framed(truthTo(question))),
): Promise<Secure> {
  const questions: Buffer[] = [];
  const server = createTlsServer({ ...certificate, ALPNProtocols: ['dot'] }, (socket) => {
    socket.on('error', () => {});
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const question = rest.subarray(2, 2 + rest.readUInt16BE(0));
        rest = rest.subarray(2 + question.length);
        questions.push(question);
        answer(question, socket);
      }
    });
  });
  return await listen(server, questions);
}

type HttpAnswer = (question: Buffer, request: IncomingMessage, response: ServerResponse) => void;

const properHttp: HttpAnswer = (question, _request, response) => {
  response.setHeader('Content-Type', 'application/dns-message');
  response.end(truthTo(question));
};

async function dohServer(certificate: { key: string; cert: string }, answer: HttpAnswer = properHttp): Promise<Secure> {
  const questions: Buffer[] = [];
  const server = createHttpsServer(certificate, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const question = Buffer.concat(chunks);
    questions.push(question);
    answer(question, request, response);
  });
  return await listen(server, questions);
}

/** What an asker gets with `upstreams`; the test's authority is trusted unless told otherwise. */
async function ask(
  upstreams: readonly string[],
  names: readonly string[] = ['www.example'],
  trusted = true,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  await withDns(
    { upstreams, certificateAuthorities: trusted ? [authority.certificate] : [], cacheSize: 0 },
    async (_, port) => {
      for (const name of names) replies.push(await askUdp(name, 'A', { port }));
    },
  );
  return replies;
}

function outcomes(replies: readonly Reply[]): unknown[] {
  return replies.map((reply) => reply.answers[0] ?? reply.rcode);
}

/** A plain upstream that knows where dns.example is. */
function nameServer(): Promise<FakeUpstream> {
  return fakeUpstream(({ query, bytes, send }: Asked) => {
    const { name = '', type } = query.questions?.[0] ?? {};
    if (name !== 'dns.example') return; // leaves everything else to the secure one
    send(answerTo(bytes, type === 'A' ? { answers: [a(name, '127.0.0.1')] } : {}));
  });
}

const dot = suite('DNS over TLS');

dot('answers over one verified connection', async () => {
  const server = await dotServer(forAddress);
  assert.equal(outcomes(await ask([`tls://127.0.0.1:${server.port}`], ['a.example', 'b.example', 'c.example'])), [
    TRUTH,
    TRUTH,
    TRUTH,
  ]);
  assert.is(server.connections, 1);
  await server.close();
});

dot('a certificate of another name or of nobody known gets no question', async () => {
  for (const [certificate, trusted] of [
    [forName, true],
    [authority.issue(['IP:127.0.0.2']), true],
    [forAddress, false],
  ] as const) {
    const server = await dotServer(certificate);
    assert.equal(outcomes(await ask([`tls://127.0.0.1:${server.port}`], undefined, trusted)), ['SERVFAIL']);
    assert.is(server.questions.length, 0);
    await server.close();
  }
});

dot('an upstream written as a name is found through the first plain upstream, and must show that name', async () => {
  const names = await nameServer();
  const server = await dotServer(forName);
  assert.equal(outcomes(await ask([`tls://dns.example:${server.port}`, names.entry])), [TRUTH]);
  assert.ok(names.asked.some(({ query }) => query.questions?.[0]?.name === 'dns.example'));
  const impostor = await dotServer(forAddress);
  assert.equal(outcomes(await ask([`tls://dns.example:${impostor.port}`, names.entry])), ['SERVFAIL']);
  assert.is(impostor.questions.length, 0);
  await Promise.all([names.close(), server.close(), impostor.close()]);
});

dot('a kept connection that was closed is opened anew', async () => {
  const server = await dotServer(forAddress, (question, socket) => {
    if (socket.bytesWritten === 0) socket.end(framed(truthTo(question)));
    else socket.write(framed(truthTo(question)));
  });
  assert.equal(outcomes(await ask([`tls://127.0.0.1:${server.port}`], ['a.example', 'b.example', 'c.example'])), [
    TRUTH,
    TRUTH,
    TRUTH,
  ]);
  await server.close();
});

dot('answers to other questions are ignored, nonsense closes the connection', async () => {
  const lying = await dotServer(forAddress, (question, socket) => {
    const lie = truthTo(question);
    lie.writeUInt16BE(lie.readUInt16BE(0) ^ 1, 0);
    socket.write(framed(lie));
    socket.write(framed(truthTo(question)));
  });
  assert.equal(outcomes(await ask([`tls://127.0.0.1:${lying.port}`])), [TRUTH]);
  await lying.close();
  const nonsense = await dotServer(forAddress, (_, socket) =>
    socket.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  assert.equal(outcomes(await ask([`tls://127.0.0.1:${nonsense.port}`])), ['SERVFAIL']);
  await nonsense.close();
});

dot('one that accepts and stays silent delays nobody longer than five seconds', async () => {
  const silent = createTcpServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const sockets: Socket[] = [];
  silent.on('connection', (socket) => sockets.push(socket));
  const asked = ask([`tls://127.0.0.1:${(silent.address() as AddressInfo).port}`]);
  assert.equal(outcomes(await inTime(5000, asked)), ['SERVFAIL']);
  for (const socket of sockets) socket.destroy();
  silent.close();
});

dot.run();

const doh = suite('DNS over HTTPS');

doh('posts with id 0 over kept connections', async () => {
  const requests: IncomingMessage[] = [];
  const server = await dohServer(forAddress, (question, request, response) => {
    requests.push(request);
    properHttp(question, request, response);
  });
  assert.equal(outcomes(await ask([`https://127.0.0.1:${server.port}/dns-query`], ['a.example', 'b.example'])), [
    TRUTH,
    TRUTH,
  ]);
  const [first] = requests;
  assert.equal([first?.method, first?.url, first?.httpVersion], ['POST', '/dns-query', '1.1']);
  assert.equal(
    [first?.headers['content-type'], first?.headers.accept],
    ['application/dns-message', 'application/dns-message'],
  );
  assert.equal(
    server.questions.map((question) => question.readUInt16BE(0)),
    [0, 0],
  );
  assert.is(server.connections, 1);
  await server.close();
});

doh('an upstream written as a name is found through the first plain upstream, and must show that name', async () => {
  const names = await nameServer();
  const server = await dohServer(forName);
  assert.equal(outcomes(await ask([`https://dns.example:${server.port}/dns-query`, names.entry])), [TRUTH]);
  assert.is((server.questions[0]?.length ?? 0) > 0, true);
  await Promise.all([names.close(), server.close()]);
});

doh('a certificate of another name or of nobody known gets no question', async () => {
  for (const [certificate, trusted] of [
    [forName, true],
    [forAddress, false],
  ] as const) {
    const server = await dohServer(certificate);
    assert.equal(outcomes(await ask([`https://127.0.0.1:${server.port}/`], undefined, trusted)), ['SERVFAIL']);
    assert.is(server.questions.length, 0);
    await server.close();
  }
});

const wrong: Record<string, HttpAnswer> = {
  'an error status': (question, _request, response) => {
    response.writeHead(500, { 'Content-Type': 'application/dns-message' }).end(truthTo(question));
  },
  'a redirect': (_question, _request, response) => {
    response.writeHead(307, { Location: 'https://127.0.0.1:1/' }).end();
  },
  'another content type': (question, _request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(truthTo(question));
  },
  'an endless body': (_question, _request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/dns-message' });
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.on('drain', more);
    more();
  },
  'an answer to another question': (_question, _request, response) => {
    const other = packet.encode({ type: 'query', id: 0, questions: [{ type: 'A', name: 'other.example' }] });
    response.writeHead(200, { 'Content-Type': 'application/dns-message' }).end(truthTo(other));
  },
  'an empty body': (_question, _request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/dns-message' }).end();
  },
  'a body cut short': (question, _request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/dns-message', 'Content-Length': 9999 });
    response.write(truthTo(question));
    response.destroy();
  },
};
for (const [what, answer] of Object.entries(wrong)) {
  doh(`${what} is no answer`, async () => {
    const server = await dohServer(forAddress, answer);
    assert.equal(outcomes(await ask([`https://127.0.0.1:${server.port}/dns-query`])), ['SERVFAIL']);
    await server.close();
  });
}

doh.run();

const bootstrap = suite('finding upstreams by name');

bootstrap('a name that cannot be found is an upstream that does not answer; the next one does', async () => {
  const plain = await fakeUpstream(({ query, bytes, send }) => {
    const { name = '' } = query.questions?.[0] ?? {};
    if (name === 'dns.example') send(answerTo(bytes, { rcode: 3 }));
    else send(answerTo(bytes, { answers: [a(name, TRUTH)] }));
  });
  assert.equal(outcomes(await ask(['tls://dns.example', plain.entry])), [TRUTH]);
  await plain.close();
});

bootstrap("without a plain upstream the system's resolver is asked", async () => {
  const server = await dohServer(authority.issue(['DNS:localhost']));
  assert.equal(outcomes(await ask([`https://localhost:${server.port}/dns-query`])), [TRUTH]);
  await server.close();
});

bootstrap.run();
