/** A router that speaks PCP and NAT-PMP on a loopback address, obeys the RFCs and can be told to restart, move, refuse or be silent. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { WayOut } from '../../src/remote/way-out.ts';

const PORT = 5351;

export interface RouterMapping {
  readonly internalPort: number;
  readonly externalPort: number;
  readonly nonce: string;
}

export class PcpRouter {
  readonly #socket: Socket;
  readonly #address: string;
  /** Mappings by internal port. */
  readonly mappings = new Map<number, RouterMapping>();
  /** Names of what was asked, in order: `map`, `unmap`, `address`. */
  readonly asked: string[] = [];
  /** Datagrams that came, answered or not. */
  questions = 0;
  wanAddress = '9.0.0.2';
  leaseSeconds = 3600;
  /** PCP and NAT-PMP result code of every answer. */
  resultCode = 0;
  speaksPcp = true;
  isSilent = false;
  /** External ports that others have: the next one is offered. */
  readonly taken = new Set<number>();
  #startedMs = performance.now();

  private constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.#address = address;
    socket.on('message', (question: Buffer, from) => this.#answer(question, from));
  }

  static async start(address: string): Promise<PcpRouter> {
    const socket = createSocket('udp4');
    socket.bind(PORT, address);
    await once(socket, 'listening');
    return new PcpRouter(socket, address);
  }

  get way(): WayOut {
    const router = this.#address;
    return { router, routerSocketAddress: router, localAddress: '127.0.0.1', isContainerBridge: false };
  }

  /** Forgets everything, its clock begins anew. */
  restart(): void {
    this.mappings.clear();
    this.#startedMs = performance.now();
  }

  /** As if it had run for so long already. */
  age(seconds: number): void {
    this.#startedMs -= seconds * 1000;
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  get #epochSeconds(): number {
    return Math.floor((performance.now() - this.#startedMs) / 1000);
  }

  #answer(question: Buffer, from: RemoteInfo): void {
    this.questions += 1;
    if (this.isSilent) return;
    const answer = question[0] === 2 ? this.#answerPcp(question) : this.#answerNatPmp(question);
    this.#socket.send(answer, from.port, from.address);
  }

  #answerPcp(question: Buffer): Buffer {
    // RFC 6887 section 9: a router of the older protocol answers with its own version.
    if (!this.speaksPcp) return Buffer.from([0, 128 + (question[1] ?? 0), 0, 1, 0, 0, 0, this.#epochSeconds]);
    const answer = Buffer.from(question);
    answer.writeUInt8(0x81, 1);
    answer.writeUInt8(this.resultCode, 3);
    answer.writeUInt32BE(this.#epochSeconds, 8);
    const [internalPort, nonce] = [question.readUInt16BE(40), question.toString('hex', 24, 36)];
    const externalPort = this.#map(internalPort, question.readUInt16BE(42), question.readUInt32BE(4), nonce);
    answer.writeUInt32BE(question.readUInt32BE(4) === 0 ? 0 : this.leaseSeconds, 4);
    answer.writeUInt16BE(externalPort, 42);
    Buffer.from(`00000000000000000000ffff${hexOf(this.wanAddress)}`, 'hex').copy(answer, 44);
    return answer;
  }

  #answerNatPmp(question: Buffer): Buffer {
    const isMap = question[1] === 2;
    const answer = Buffer.alloc(isMap ? 16 : 12);
    answer.writeUInt8(128 + (question[1] ?? 0), 1);
    answer.writeUInt16BE(this.resultCode, 2);
    answer.writeUInt32BE(this.#epochSeconds, 4);
    if (!isMap) {
      this.asked.push('address');
      Buffer.from(hexOf(this.wanAddress), 'hex').copy(answer, 8);
      return answer;
    }
    const internalPort = question.readUInt16BE(4);
    const externalPort = this.#map(internalPort, question.readUInt16BE(6), question.readUInt32BE(8), '');
    answer.writeUInt16BE(internalPort, 8);
    answer.writeUInt16BE(externalPort, 10);
    answer.writeUInt32BE(question.readUInt32BE(8) === 0 ? 0 : this.leaseSeconds, 12);
    return answer;
  }

  #map(internalPort: number, wantedPort: number, leaseSeconds: number, nonce: string): number {
    this.asked.push(leaseSeconds === 0 ? 'unmap' : 'map');
    if (this.resultCode !== 0) return wantedPort;
    const externalPort = this.taken.has(wantedPort) ? wantedPort + 1 : wantedPort;
    if (leaseSeconds === 0) this.mappings.delete(internalPort);
    else this.mappings.set(internalPort, { internalPort, externalPort, nonce });
    return externalPort;
  }
}

function hexOf(address: string): string {
  return Buffer.from(address.split('.').map(Number)).toString('hex');
}
