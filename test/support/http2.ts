/** HTTP/2 clients: a well-behaved one, and one that writes frames as it likes. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { type TestLane, type TestLaneOptions, withLane } from './full-lane.ts';
import type { Origin } from './origin.ts';
import { connectRaw, type RawClient } from './raw.ts';

export interface Http2Result {
  /** 0: no answer came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
  /** The code of the stream's end; 0: in order. */
  readonly code: number;
}

export type Http2Fields = Readonly<Record<string, string | readonly string[]>>;

/** A session with 127.0.0.1 that trusts any certificate. */
export async function openSession(port: number, settings = {}): Promise<ClientHttp2Session> {
  // Node's client counts its own uploads against the memory of a session.
  const options = { rejectUnauthorized: false, settings, maxSessionMemory: 256 };
  const session = connect(`https://127.0.0.1:${port}`, options);
  session.on('error', () => {});
  await once(session, 'connect');
  return session;
}

/** Sends one request and reads the whole answer; never rejects. */
export async function ask(session: ClientHttp2Session, fields: Http2Fields = {}, body?: Buffer): Promise<Http2Result> {
  const stream = session.request({ ':path': '/', ...fields } as never, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return resultOf(stream);
}

/** Reads the answer to its end. */
export async function resultOf(stream: ClientHttp2Stream): Promise<Http2Result> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('error', () => {});
  stream.on('response', (received) => (headers = received));
  stream.on('trailers', (received) => (trailers = received));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  // Not `once` of node:events, which an `error` before `close` rejects.
  await new Promise((resolve) => (stream.destroyed ? resolve(undefined) : stream.once('close', resolve)));
  const status = Number((headers as Record<string, unknown>)[':status'] ?? 0);
  return { status, headers, body: Buffer.concat(chunks), trailers, code: stream.rstCode };
}

/** Closes it and waits until it has. */
export async function closeSession(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return;
  const closed = once(session, 'close');
  session.destroy();
  await closed;
}

/** Runs `use` with a session with a lane in front of `origin`, and closes all three whatever happens. */
export async function withSession(
  origin: Origin,
  options: Omit<TestLaneOptions, 'upstream'>,
  use: (session: ClientHttp2Session, lane: TestLane) => Promise<void>,
): Promise<void> {
  await withLane(origin, options, async (lane) => {
    const session = await openSession(lane.tlsPort);
    try {
      await use(session, lane);
    } finally {
      await closeSession(session);
    }
  });
}

/** Frame types (RFC 9113 section 6). */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
export const { NGHTTP2_NO_ERROR: NO_ERROR, NGHTTP2_INTERNAL_ERROR: INTERNAL_ERROR, NGHTTP2_CANCEL: CANCEL } = constants;

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEAD_BYTES = 9;
const GET: readonly string[] = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/'];

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** One frame as bytes. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One setting (RFC 9113 section 6.5.1). */
export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), uint32(value)]);
}

/** Name, value, name, value as literals that no table remembers (RFC 7541 section 6.2.2). */
export function literals(fields: readonly string[]): Buffer {
  const parts = fields.flatMap((text, index) => {
    const bytes = Buffer.from(text, 'latin1');
    return [...(index % 2 === 0 ? [Buffer.from([0])] : []), integer(bytes.length), bytes];
  });
  return Buffer.concat(parts);
}

/** RFC 7541 section 5.1, with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** A client of raw frames, past its preface. */
export class FrameClient {
  readonly raw: RawClient;

  private constructor(raw: RawClient) {
    this.raw = raw;
  }

  static async connect(port: number, settings: Buffer = Buffer.alloc(0)): Promise<FrameClient> {
    const raw = await connectRaw({ port, tls: { ALPNProtocols: ['h2'] } });
    raw.write(PREFACE).write(frame(FRAME.SETTINGS, 0, 0, settings));
    return new FrameClient(raw);
  }

  send(type: number, flags: number, stream: number, payload?: Buffer): this {
    this.raw.write(frame(type, flags, stream, payload));
    return this;
  }

  /** A whole head; by default a GET without a body. */
  sendHead(stream: number, fields: readonly string[] = GET, flags = END_STREAM | END_HEADERS): this {
    return this.send(FRAME.HEADERS, flags, stream, literals(fields));
  }

  /** Reads frames up to the first that `isMeant`; rejects when the connection closes before. */
  async readUntil(isMeant: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const head = await this.raw.readBytes(FRAME_HEAD_BYTES);
      const payload = await this.raw.readBytes(head.readUIntBE(0, 3));
      const found = { type: head[3] ?? 0, flags: head[4] ?? 0, stream: head.readUInt32BE(5) & 0x7fffffff, payload };
      if (isMeant(found)) return found;
    }
  }

  /** The code of the reset of `stream`. */
  async resetOf(stream: number): Promise<number> {
    const reset = await this.readUntil((found) => found.type === FRAME.RST_STREAM && found.stream === stream);
    return reset.payload.readUInt32BE(0);
  }

  /** The code with which the connection ends. */
  async goAway(): Promise<number> {
    const found = await this.readUntil(({ type }) => type === FRAME.GOAWAY);
    return found.payload.readUInt32BE(4);
  }

  destroy(): void {
    this.raw.destroy();
  }
}
