/** A worker: TLS, decisions that are sure, and the proxy lanes, on connections that the main process hands over. Alone it is nothing. */
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { Deputy } from '../../access/deputy.ts';
import { createExpressLane } from '../../http/express/express-lane.ts';
import { createFullLane, type FullLane, type FullLaneOptions } from '../../http/full-lane.ts';
import type { UpstreamAnswer } from '../../http/lane.ts';
import { residentBytes } from '../../lib/memory.ts';
import { VERSION } from '../../lib/version.ts';
import type { ServerKind } from '../../server/kind.ts';
import { isConnectFailure } from '../lane-options.ts';
import { prepareRequest } from '../prepare-request.ts';
import { LocalReception } from '../reception.ts';
import { StreamLimit } from '../stream-limit.ts';
import type { Port } from './channel.ts';
import { MainLink } from './main-link.ts';
import type { GivenConnection, WorkerReport } from './messages.ts';
import { Pulse } from './pulse.ts';
import { Replica } from './replica.ts';
import { readFacts, type WorkerFacts } from './worker-facts.ts';

/** What is there once the first facts have come. */
interface Works {
  readonly replica: Replica;
  readonly deputy: Deputy;
  readonly lane: FullLane;
  readonly reception: LocalReception;
}

export class Worker {
  readonly #link: MainLink;
  readonly #pulse: Pulse;
  #works: Works | undefined;

  /** Serves what comes through `port`, and nothing before the first facts. `onLost`: the main process is silent; end. */
  constructor(port: Port, onLost: () => void) {
    this.#pulse = new Pulse(() => {
      this.#link.log.error({}, 'the main process was silent for too long: a worker ends');
      onLost();
    });
    port.on('message', () => this.#pulse.beat());
    this.#link = new MainLink(port, {
      notes: {
        facts: (text) => this.#take(readFacts(text)),
        forget: () => this.#works?.deputy.forget(),
        connection: (given, socket) => this.#receive(given, socket),
        closeReception: () => this.#works?.reception.close(),
        pageHead: (head) => this.#link.pages.begin(head),
        pageEnd: (page) => this.#link.pages.end(page),
      },
      questions: {
        recheck: () => this.#works?.lane.recheck() ?? 0,
        report: () => this.#report(),
        drain: (graceMs) => this.#drain(graceMs),
        pageChunk: (chunk) => this.#link.pages.write(chunk),
      },
    });
  }

  #take(facts: WorkerFacts): void {
    this.#link.isVerbose = facts.isVerbose;
    this.#works ??= this.#start(facts);
    this.#works.replica.take(facts);
    this.#works.deputy.configure(this.#works.replica.deputyFacts);
  }

  #start(facts: WorkerFacts): Works {
    const link = this.#link;
    const replica = new Replica(facts);
    const deputy = new Deputy(
      {
        clientOf: (head, peer) => replica.clientOf(head, peer),
        names: replica.names,
        machineName: hostname(),
        ask: (head, peer) => link.decide(head, peer),
        onValidFrom: (address) => link.validFrom(address),
        isCurrent: () => this.#pulse.isFresh,
      },
      replica.deputyFacts,
    );
    const options = { ...laneOptions(replica, deputy, link), limits: facts.limits, log: link.log };
    const isOn = () => replica.facts.isExpress;
    const lane = createExpressLane({ ...options, isOn, fullLane: createFullLane(options) });
    const settings = () => replica.facts.reception;
    const { ticketKeys } = replica;
    const challengeFor = (name: string) => replica.challengeFor(name);
    const tls = { certificates: replica, ticketKeys, challengeFor };
    const reception = new LocalReception({ ...tls, lane, log: link.log, settings });
    return { replica, deputy, lane, reception };
  }

  #receive({ connection, admission }: GivenConnection, socket: Socket | undefined): void {
    if (socket === undefined || socket.destroyed || this.#works === undefined) {
      socket?.destroy();
      this.#link.closed(connection);
      return;
    }
    socket.allowHalfOpen = true;
    socket.once('close', () => this.#link.closed(connection));
    const admitNamed = (client: string) => this.#link.admit(connection, client);
    this.#works.reception.receive({ socket, admission, admitNamed });
  }

  #report(): WorkerReport {
    this.#link.flush();
    const memoryBytes = residentBytes() ?? 0;
    if (this.#works === undefined) throw new Error('there are no facts yet');
    const { lane, reception } = this.#works;
    const tls = reception.tlsCounters();
    return { version: VERSION, lane: lane.counters, tls, connections: lane.connections(), memoryBytes };
  }

  async #drain(graceMs: number): Promise<true> {
    this.#works?.reception.close();
    await this.#works?.lane.drain(graceMs);
    this.#link.flush();
    return true;
  }
}

function laneOptions(replica: Replica, deputy: Deputy, link: MainLink): FullLaneOptions {
  const streamLimit = new StreamLimit(() => replica.streamLimit);
  return {
    decide: (head, peer) => deputy.decide(head, peer),
    upstream: () => replica.upstream,
    prepare: (head, decision) => prepareRequest(head, decision, replica.server.kind, replica.facts.dropsAppHeaders),
    clientOf: (head, peer) => {
      const { address, isTls } = replica.clientOf(head, peer);
      return { address, tls: isTls };
    },
    page: (ask) => link.page(ask),
    identity: (head) => {
      const { kind, identity } = replica.server;
      return identity === undefined ? undefined : kind.renderIdentity(identity, head.header('accept'));
    },
    corsOrigin: (head, peer) => deputy.corsOrigin(head, peer),
    refuseStream: (stream, peer) => streamLimit.refuse(stream, peer),
    unauthorizedHeaders: () => replica.server.kind.unauthorizedHeaders,
    onFinished: (record) => link.ended(record),
    onUpstreamAnswer: (answer) => link.answered(answer, isTelling(answer, replica.server.kind)),
    onUpstreamFailure: (error) => {
      const isConnect = isConnectFailure(error);
      if (isConnect) deputy.close();
      link.upstreamFailed(isConnect, error);
    },
  };
}

/** The gate learns from it that credentials are bad, or the monitor that the server's claimed state may be another. */
function isTelling({ head, status }: UpstreamAnswer, kind: ServerKind): boolean {
  return status === 401 || status === 498 || kind.mayChangeClaim(head.method, head.path) || kind.isIdentity(head.path);
}
