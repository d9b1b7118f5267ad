/** What certificate the media server itself shows: its zone, and the proof that a server at a new address is the one that was known. */
import { connect } from 'node:tls';
import { canonicalAddress } from '../net/address.ts';
import { addressZones } from '../tls/address-zone.ts';
import { alternativeNames } from '../tls/certificate-facts.ts';

const HANDSHAKE_TIMEOUT_MS = 3_000;

export interface ShownCertificate {
  /** SHA-256, upper case hex with colons. The handshake has proved that the server holds its key. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Address-in-name zones among its names. */
  readonly zones: readonly string[];
}

/** The leaf that the server at `url` shows over TLS on its port, whatever the scheme; undefined: it speaks no TLS there. */
export function shownCertificate(url: string): Promise<ShownCertificate | undefined> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      // Who it is, the caller judges by the certificate itself.
      rejectUnauthorized: false,
      ...(canonicalAddress(host) === undefined ? { servername: host } : {}),
    });
    const finish = (shown: ShownCertificate | undefined) => {
      socket.destroy();
      resolve(shown);
    };
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('close', () => finish(undefined));
    socket.once('secureConnect', () => {
      const { fingerprint256: fingerprint, subjectaltname, valid_from, valid_to } = socket.getPeerCertificate();
      const { names } = alternativeNames(subjectaltname);
      if (fingerprint === undefined) finish(undefined);
      else {
        const [notBefore, notAfter] = [new Date(valid_from), new Date(valid_to)];
        finish({ fingerprint, notBefore, notAfter, zones: addressZones(names) });
      }
    });
  });
}
