/** Long bodies through buffers that are used again: every byte arrives, once and in order, however fast either side is. */
import { createHash } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startLane, type TestLane } from '../../support/full-lane.ts';

const MIB = 1024 * 1024;
const BLOCK_BYTES = 61_001;

type Framing = 'length' | 'chunks' | 'close';

/** A server that streams without end to a reader: numbered blocks, so that a lost, doubled or late one shows. */
class FilmServer {
  readonly #server: Server;
  readonly #bytes: number;
  readonly sent = { bytes: 0, sha256: '' };

  constructor(bytes: number, framing: Framing) {
    this.#bytes = bytes;
    this.#server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => this.#send(socket, framing));
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #send(socket: Socket, framing: Framing): void {
    const hash = createHash('sha256');
    const field = { length: `Content-Length: ${this.#bytes}\r\n`, chunks: 'Transfer-Encoding: chunked\r\n', close: '' };
    socket.write(`HTTP/1.1 200 OK\r\n${field[framing]}\r\n`);
    let number = 0;
    const more = () => {
      while (this.sent.bytes < this.#bytes) {
        const block = Buffer.alloc(Math.min(BLOCK_BYTES, this.#bytes - this.sent.bytes), `${number++} `);
        hash.update(block);
        this.sent.bytes += block.length;
        if (framing === 'chunks') socket.write(`${block.length.toString(16)}\r\n`);
        socket.write(block);
        if (framing === 'chunks') socket.write('\r\n');
        if (socket.writableNeedDrain) {
          socket.once('drain', more);
          return;
        }
      }
      this.sent.sha256 = hash.digest('hex');
      if (framing === 'chunks') socket.write('0\r\n\r\n');
      if (framing === 'close') socket.end();
    };
    more();
  }
}

interface Received {
  readonly bytes: number;
  readonly sha256: string;
}

interface Reader {
  readonly tls: boolean;
  readonly framing: Framing;
  readonly pauseMs: number;
  /** Of the body. */
  readonly bytes: number;
}

/** Reads one body to its end, in its own time. */
function readBody(lane: TestLane, options: Reader): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const host = '127.0.0.1';
  const socket = options.tls
    ? connectTls({ host, port: lane.tlsPort, rejectUnauthorized: false })
    : connect({ host, port: lane.port });
  const hash = createHash('sha256');
  let bytes = 0;
  let head: string | undefined = '';
  const take = (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  };
  const finish = () => {
    resolve({ bytes, sha256: hash.digest('hex') });
    socket.destroy();
  };
  const unframe = options.framing === 'length' ? take : chunkReader(take, finish);
  socket.on('error', reject);
  socket.on('data', (chunk: Buffer) => {
    let body = chunk;
    if (head !== undefined) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      body = Buffer.from(head.slice(end + 4), 'latin1');
      head = undefined;
    }
    unframe(body);
    if (options.framing === 'length' && bytes >= options.bytes) finish();
    if (options.pauseMs === 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), options.pauseMs);
  });
  socket.on('close', () => reject(new Error(`closed after ${bytes} bytes`)));
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return promise;
}

/** Takes chunks apart; knows only what this server writes. */
function chunkReader(take: (bytes: Buffer) => void, onEnd: () => void): (bytes: Buffer) => void {
  let isLast = false;
  let line = '';
  let left = 0;
  return (bytes) => {
    let at = 0;
    while (at < bytes.length) {
      if (left > 0) {
        const part = bytes.subarray(at, at + left);
        take(part);
        left -= part.length;
        at += part.length;
        continue;
      }
      line += String.fromCharCode(bytes[at] ?? 0);
      at += 1;
      if (!line.endsWith('\r\n')) continue;
      if (isLast && line === '\r\n') onEnd();
      if (line !== '\r\n') left = Number.parseInt(line, 16);
      isLast = line === '0\r\n';
      line = '';
    }
  };
}

const CASES: readonly Reader[] = [
  { tls: true, framing: 'length', pauseMs: 0, bytes: 64 * MIB },
  { tls: false, framing: 'length', pauseMs: 0, bytes: 64 * MIB },
  { tls: true, framing: 'chunks', pauseMs: 0, bytes: 48 * MIB },
  { tls: false, framing: 'close', pauseMs: 0, bytes: 48 * MIB },
  { tls: true, framing: 'length', pauseMs: 2, bytes: 8 * MIB },
  { tls: false, framing: 'length', pauseMs: 2, bytes: 24 * MIB },
  { tls: true, framing: 'close', pauseMs: 2, bytes: 8 * MIB },
  { tls: false, framing: 'chunks', pauseMs: 2, bytes: 24 * MIB },
];

for (const reader of CASES) {
  const { bytes, framing, tls, pauseMs } = reader;
  const name = `${bytes / MIB} MiB by ${framing}, ${tls ? 'TLS' : 'plain'}, ${pauseMs === 0 ? 'fast' : 'slow'} reader`;
  test(`${name}: every byte arrives`, async () => {
    const film = new FilmServer(bytes, framing);
    const lane = await startLane({
      express: true,
      upstream: await film.listen(),
      limits: { halfClosedTimeoutMs: 20_000 },
    });
    try {
      const received = await readBody(lane, reader);
      assert.is(received.bytes, bytes);
      assert.is(received.sha256, film.sent.sha256);
    } finally {
      await lane.close();
      film.close();
    }
  });
}

test('many streams at once do not get into each other', async () => {
  const films = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const bytes = 4 * MIB + index * 1_000;
      const film = new FilmServer(bytes, 'length');
      return { film, bytes, port: await film.listen() };
    }),
  );
  const lanes = await Promise.all(films.map(({ port }) => startLane({ express: true, upstream: port })));
  const received = await Promise.all(
    lanes.map((lane, index) => {
      const { bytes = 0 } = films[index] ?? {};
      return readBody(lane, { tls: index % 2 === 0, framing: 'length', pauseMs: index % 3, bytes });
    }),
  );
  for (const [index, { film }] of films.entries()) assert.is(received[index]?.sha256, film.sent.sha256);
  for (const lane of lanes) await lane.close();
  for (const { film } of films) film.close();
});

test('a client that does not read stops the server: what waits in the gateway is bounded', async () => {
  for (const tls of [true, false]) {
    const film = new FilmServer(1024 * MIB, 'length');
    const lane = await startLane({ express: true, upstream: await film.listen() });
    const socket = tls
      ? connectTls({ host: '127.0.0.1', port: lane.tlsPort, rejectUnauthorized: false })
      : connect({ host: '127.0.0.1', port: lane.port });
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    socket.pause();
    let before = -1;
    while (film.sent.bytes !== before || before === 0) {
      before = film.sent.bytes;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    // The rest is in the buffers of four sockets in the kernel.
    assert.ok(film.sent.bytes < 32 * MIB, `${film.sent.bytes} bytes were taken from the server`);
    socket.destroy();
    await lane.finished(1);
    await lane.close();
    film.close();
  }
});

test.run();
