/** A full lane behind a real port, plain or TLS, with an open policy unless the test says otherwise. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Decision } from '../../src/access/decision.ts';
import { createExpressLane } from '../../src/http/express/express-lane.ts';
import { createFullLane, type FullLane, type FullLaneOptions, type RequestRecord } from '../../src/http/full-lane.ts';
import type { Peer, RequestHead } from '../../src/http/request.ts';
import type { Upstream } from '../../src/http/upstream.ts';
import type { Origin } from './origin.ts';
import { selfSigned } from './self-signed.ts';

export const FORWARD: Decision = { action: 'forward', rule: 'valid', credentials: 'keep' };
export const REFUSE = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'No.',
} as const;

export interface TestLane {
  readonly lane: FullLane;
  readonly port: number;
  /** The same lane behind TLS. */
  readonly tlsPort: number;
  readonly records: RequestRecord[];
  readonly failures: Error[];
  /** Heads that the policy was asked about. */
  readonly decided: RequestHead[];
  /** Resolves when the policy has been asked `count` times. */
  asked(count: number): Promise<void>;
  /** Resolves when `count` requests have ended. */
  finished(count: number): Promise<void>;
  close(): Promise<void>;
}

export type TestLaneOptions = Partial<Omit<FullLaneOptions, 'upstream'>> & {
  /** The port of the origin on 127.0.0.1, a whole upstream, or undefined: not known. */
  readonly upstream: number | Upstream | undefined;
  /** Default: as the environment says, see `isExpress`. */
  readonly express?: boolean;
};

/** Starts a lane on two ports of 127.0.0.1. */
export async function startLane(options: TestLaneOptions): Promise<TestLane> {
  const records: RequestRecord[] = [];
  const failures: Error[] = [];
  const decided: RequestHead[] = [];
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const check of [...waiting]) check();
  };
  const upstream = upstreamOf(options.upstream);
  const laneOptions: FullLaneOptions = {
    prepare: (head) => ({ target: head.target, rawHeaders: head.rawHeaders }),
    clientOf: (_head, peer) => ({ address: peer.address, tls: peer.tls }),
    page: ({ response, decision }) => void response.end(`page ${decision.page}`),
    identity: () => undefined,
    ...options,
    decide: (head, peer) => {
      decided.push(head);
      changed();
      return options.decide?.(head, peer) ?? FORWARD;
    },
    upstream: () => upstream,
    onFinished: (record) => {
      records.push(record);
      options.onFinished?.(record);
      changed();
    },
    onUpstreamFailure: (error) => {
      failures.push(error);
      options.onUpstreamFailure?.(error);
    },
  };
  const lane = makeLane(laneOptions, options.express ?? isExpress);
  const plain = createServer({ allowHalfOpen: true }, (socket) => lane.accept(socket, peerOf(socket, false)));
  // Half-open like those of the gateway.
  const secure = { ...certificate(), ALPNProtocols: ['h2', 'http/1.1', 'http/1.0'], allowHalfOpen: true };
  const tls = createTlsServer(secure, (socket) => lane.accept(socket, peerOf(socket, true)));
  const [port, tlsPort] = await Promise.all([listen(plain), listen(tls)]);
  const until = (isTrue: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!isTrue()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const asked = (count: number) => until(() => decided.length >= count);
  const finished = (count: number) => until(() => records.length >= count);
  const close = async () => {
    plain.close();
    tls.close();
    await lane.drain(0);
  };
  return { lane, port, tlsPort, records, failures, decided, asked, finished, close };
}

/** `LOCKGATE_TEST_LANE=express`: the express lane in front, as the gateway has it, so that a test runs on both. */
export const isExpress = process.env['LOCKGATE_TEST_LANE'] === 'express';

function makeLane(options: FullLaneOptions, withExpress: boolean): FullLane {
  const fullLane = createFullLane(options);
  return withExpress ? createExpressLane({ ...options, fullLane, isOn: () => true }) : fullLane;
}

let madeCertificate: ReturnType<typeof selfSigned> | undefined;

/** One certificate for all lanes of a test file: making it takes longer than most tests. */
function certificate() {
  madeCertificate ??= selfSigned(['lockgate.test']);
  return madeCertificate;
}

function upstreamOf(upstream: number | Upstream | undefined): Upstream | undefined {
  return typeof upstream === 'number' ? { protocol: 'http:', hostname: '127.0.0.1', port: upstream } : upstream;
}

function peerOf(socket: Socket, tls: boolean): Peer {
  return {
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    fromProxyHeader: false,
    tls,
    serverName: undefined,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Runs `use` with a lane in front of `origin`, and closes both whatever happens. */
export async function withLane(
  origin: Origin,
  options: Omit<TestLaneOptions, 'upstream'>,
  use: (lane: TestLane) => Promise<void>,
): Promise<void> {
  const lane = await startLane({ ...options, upstream: origin.port });
  try {
    await use(lane);
  } finally {
    await lane.close();
    await origin.close();
  }
}
