/** Where the media server is reached, and the connections to it. */
import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { FullLaneLimits } from './limits.ts';

/** The media server's origin. Its identity counts: hand over the same object until something in it changes. */
export interface Upstream {
  readonly protocol: 'http:' | 'https:';
  /** A name or an address; IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** How the server proves itself (`ca`, `servername`, `rejectUnauthorized`); absent: as any public web server. */
  readonly tls?: ConnectionOptions;
}

/** The origin of an `http:` or `https:` URL. */
export function upstreamOf(url: URL, tls?: ConnectionOptions): Upstream {
  const protocol = url.protocol === 'https:' ? 'https:' : 'http:';
  const defaultPort = protocol === 'https:' ? 443 : 80;
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { protocol, hostname, port: Number(url.port) || defaultPort, ...(tls === undefined ? {} : { tls }) };
}

/**
 * Keep-alive connections to one media server at a time: bounded in number, and idle ones closed before the server would
 * (its own `Keep-Alive: timeout` counts). When the server moves, what runs on the old connections ends there.
 */
export class UpstreamConnections {
  readonly #limits: FullLaneLimits;
  #current: { readonly upstream: Upstream; readonly pool: HttpAgent } | undefined;

  constructor(limits: FullLaneLimits) {
    this.#limits = limits;
  }

  pool(upstream: Upstream): HttpAgent {
    if (this.#current?.upstream === upstream) return this.#current.pool;
    this.close();
    const { upstreamSockets, idleUpstreamSockets, idleUpstreamTimeoutMs } = this.#limits;
    const pool = makeAgent(upstream, {
      keepAlive: true,
      maxSockets: upstreamSockets,
      maxFreeSockets: idleUpstreamSockets,
      timeout: idleUpstreamTimeoutMs,
    });
    this.#current = { upstream, pool };
    return pool;
  }

  /** Closes the idle connections and keeps no more; what is in use goes on to its end. */
  close(): void {
    if (this.#current === undefined) return;
    const { pool } = this.#current;
    this.#current = undefined;
    pool.maxFreeSockets = 0;
    for (const sockets of Object.values(pool.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

/** An agent for one request on a connection of its own. */
export function unpooledAgent(upstream: Upstream): HttpAgent {
  return makeAgent(upstream, { keepAlive: false });
}

function makeAgent(upstream: Upstream, options: AgentOptions): HttpAgent {
  if (upstream.protocol === 'http:') return new HttpAgent(options);
  // Left to itself, Node asks for the name in the request's Host, which is the client's to choose, and checks the certificate against it.
  const servername = isIP(upstream.hostname) === 0 ? upstream.hostname : '';
  return new HttpsAgent({ servername, ...upstream.tls, ...options });
}
