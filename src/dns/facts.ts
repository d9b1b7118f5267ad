/** What the DNS side must know of the site, as functions: asked again while it runs, so that answers follow what changes. Types only. */
import type { LocalNetwork } from '../net/interfaces.ts';

/** How the media server's names are answered; see `Steering`. */
export type AnswerMode = 'auto' | 'gateway' | 'literal';

/** A zone of names with an address in the first label. No private key is needed to know it. */
export interface OwnZone {
  readonly name: string;
  /** The gateway holds a certificate for the names of this zone. */
  readonly holdsCertificate: boolean;
}

/** Current facts. All addresses are canonical. */
export interface DnsFacts {
  zones(): readonly OwnZone[];
  /** Names of the gateway's certificates that have no address in them; answered exactly, nothing beside or below them. */
  exactNames(): readonly string[];
  /** What names that lead to the gateway are answered with, best first. Loopback addresses are passed over. */
  gatewayAddresses(): readonly string[];
  serverAddresses(): readonly string[];
  /** This site's addresses as seen from outside, when known. */
  publicAddresses(): readonly string[];
  /** This host's addresses with their networks. */
  networks(): readonly LocalNetwork[];
  listensOnPublishedPort(): boolean;
  listensOnExternalPort(): boolean;
}
