/** The set of listening addresses, made to agree with what is wanted: at start, at reload, and as interfaces come and go. */
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { DnsCounters } from './counters.ts';
import { type Endpoint, endpointText } from './endpoint.ts';
import type { Responder } from './responder.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener, type UdpListenerOptions } from './udp-listener.ts';

/** The port that is proposed when the usual one is taken. */
const OTHER_PORT = 5354;
const DNS_PORT = 53;
const MAX_PORT_CHOICES = 5;

export interface ListenerOptions {
  readonly responder: () => Responder;
  readonly counters: DnsCounters;
  readonly log: Log;
}

interface Listener {
  readonly endpoint: Endpoint;
  readonly udp: UdpListener;
  readonly tcp: TcpListener;
}

export class Listeners {
  readonly #options: ListenerOptions;
  readonly #open = new Map<string, Listener>();
  /** What was said of addresses that could not be had, so that it is said once. Never more than are wanted. */
  #said = new Map<string, string>();

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** What is listened on, `address:port`; a port 0 shows what it became. */
  get addresses(): readonly string[] {
    return [...this.#open.values()].map(({ endpoint, udp }) => endpointText({ ...endpoint, port: udp.port }));
  }

  /**
   * Opens what is missing, then closes what is not wanted any more. With `mustAll` an address that cannot be bound throws `bind` or
   * `permission` and changes nothing; else it is logged and tried again next time.
   */
  async agreeWith(wanted: readonly Endpoint[], mustAll: boolean): Promise<void> {
    const keys = new Set(wanted.map(endpointText));
    const opened: string[] = [];
    const failed = new Map<string, string>();
    for (const endpoint of wanted.filter((each) => !this.#open.has(endpointText(each)))) {
      try {
        await this.#openListener(endpoint);
        opened.push(endpointText(endpoint));
      } catch (cause) {
        const error = bindError(endpoint, cause);
        if (!mustAll || isNotReady(endpoint, cause)) {
          failed.set(endpointText(endpoint), error.sentence);
          continue;
        }
        await Promise.all(opened.map((key) => this.#close(key)));
        throw error;
      }
    }
    this.#say(failed);
    await Promise.all([...this.#open.keys()].filter((key) => !keys.has(key)).map((key) => this.#close(key)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((key) => this.#close(key)));
  }

  #say(failed: Map<string, string>): void {
    for (const [key, error] of failed) {
      if (this.#said.get(key) !== error) this.#options.log.warn({ error }, 'DNS cannot listen on an address yet');
    }
    this.#said = failed;
  }

  async #openListener(endpoint: Endpoint): Promise<void> {
    const key = endpointText(endpoint);
    const { udp, tcp } = await openBoth(endpoint, { ...this.#options, onFailure: () => void this.#close(key) });
    this.#open.set(key, { endpoint, udp, tcp });
  }

  async #close(key: string): Promise<void> {
    const listener = this.#open.get(key);
    this.#open.delete(key);
    listener?.udp.close();
    await listener?.tcp.close();
  }
}

/** TCP and UDP on the same port. A port 0 is the system's choice for TCP, which may be taken for UDP: then it chooses again. */
async function openBoth(
  { address, port }: Endpoint,
  options: UdpListenerOptions,
): Promise<{ tcp: TcpListener; udp: UdpListener }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await TcpListener.open(address, port, options);
    try {
      return { tcp, udp: await UdpListener.open(address, tcp.port, options) };
    } catch (error) {
      await tcp.close();
      if (port !== 0 || attempt === MAX_PORT_CHOICES) throw error;
    }
  }
}

/** An IPv6 address is not usable until the network has been asked whether it is unique. */
function isNotReady(endpoint: Endpoint, cause: unknown): boolean {
  return endpoint.isExpanded && systemCodeOf(cause) === 'EADDRNOTAVAIL';
}

function bindError(endpoint: Endpoint, cause: unknown): GatewayError {
  const code = systemCodeOf(cause);
  const { problem, hint } = explain(code, endpoint);
  const message = `dns.listen: ${endpointText(endpoint)} ${problem ?? `cannot be listened on: ${messageOf(cause)}`}`;
  return new GatewayError(code === 'EACCES' ? 'permission' : 'bind', message, { hint, cause });
}

function explain(code: string | undefined, endpoint: Endpoint): { problem?: string; hint: string } {
  switch (code) {
    case 'EADDRINUSE':
      return { problem: 'is in use', hint: hintForTakenPort(endpoint) };
    case 'EACCES':
      return {
        problem: 'needs a permission',
        hint: `ports below 1024 need CAP_NET_BIND_SERVICE or root; or choose ${OTHER_PORT}`,
      };
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return {
        problem: 'is not an address of this host',
        hint: 'write one of its own, or 0.0.0.0 or [::] for all of them',
      };
    default:
      return { hint: 'choose another address or port' };
  }
}

function hintForTakenPort({ address, port, isExpanded }: Endpoint): string {
  if (port !== DNS_PORT)
    return `choose another port, for example ${endpointText({ address, port: port === OTHER_PORT ? OTHER_PORT + 1 : OTHER_PORT })}`;
  const other = endpointText({ address, port: OTHER_PORT });
  const instead = isExpanded ? 'name the addresses one by one, or ' : '';
  return `another resolver, usually dnsmasq, has port 53; ${instead}choose ${other} and let that one forward the zone: lockgate snippet dnsmasq`;
}
