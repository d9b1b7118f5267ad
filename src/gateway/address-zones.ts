/** The address-in-name zone that the media server itself shows over TLS: known without its private key. */
import type { ServerMonitor } from '../server/monitor.ts';
import { type ShownCertificate, shownCertificate } from './shown-certificate.ts';

const LOOK_INTERVAL_MS = 60_000;
/** While the server has shown nothing yet. */
const FIRST_LOOK_INTERVAL_MS = 30_000;

/** Whether a zone is that of a media server, as opposed to the private CA's. */
export function isServerZone(zone: string): boolean {
  return zone.endsWith('.plex.direct');
}

export class AddressZones {
  readonly #monitor: ServerMonitor;
  readonly #onServerChange = () => void this.look();
  #shown: ShownCertificate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(monitor: ServerMonitor) {
    this.#monitor = monitor;
    monitor.on('change', this.#onServerChange);
    void this.look();
  }

  /** `<hash>.plex.direct`; undefined while the server has not shown a certificate. */
  get ofServer(): string | undefined {
    return this.#shown?.zones[0];
  }

  /** The certificate that the server showed last. */
  get shown(): ShownCertificate | undefined {
    return this.#shown;
  }

  /** Looks at the server's own TLS side now. A server that is away for a moment keeps its zone. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    const { url, kind } = this.#monitor.snapshot;
    const shown = url !== undefined && kind.name === 'plex' ? await shownCertificate(url) : undefined;
    // The server may be elsewhere by now: then another look has begun.
    if (this.#isClosed || url !== this.#monitor.snapshot.url) return;
    this.#shown = shown ?? this.#shown;
    const intervalMs = this.#shown === undefined ? FIRST_LOOK_INTERVAL_MS : LOOK_INTERVAL_MS;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onServerChange, intervalMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    this.#monitor.off('change', this.#onServerChange);
    clearTimeout(this.#timer);
  }
}
