/** The challenges that the gateway answers on its own port: tls-alpn-01 (RFC 8737) and http-01 (RFC 8555 section 8.3). */
import type { ChallengeType, Solver } from './challenge.ts';
import type { ChallengeBoard } from './challenge-board.ts';

/** The port at which an authority knocks. It cannot be told another. */
const OUTSIDE_PORT = { 'tls-alpn-01': 443, 'http-01': 80 } as const;

type OwnPortChallenge = keyof typeof OUTSIDE_PORT;

/** Which ports lead here. */
export interface Ways {
  /** On which the gateway listens. */
  readonly ports: readonly number[];
  /** The outside port that the router was asked to open; 0: none. */
  readonly mappedPort: number;
  /** What this machine is, as far as ports come to it in a way of their own. */
  readonly place: 'synology' | 'openwrt' | 'container' | 'linux';
}

/** What leads a port here. */
const LEADS_HERE: Readonly<Record<Ways['place'], string>> = {
  synology: ' (on the NAS 80 and 443 are taken by DSM: let the router lead it there)',
  openwrt: " (a redirect in this router's firewall does that)",
  container: ' (for a container with a network of its own: publish it, and lead it to the host)',
  linux: '',
};

/** Which outside port has to lead where, as a sentence. */
export function whatMustLeadHere(type: OwnPortChallenge, { ports, mappedPort, place }: Ways): string {
  const outside = OUTSIDE_PORT[type];
  const inside = ports.includes(outside) ? outside : (ports[0] ?? 0);
  if (mappedPort === outside)
    return `${type} needs outside port ${outside}, which [remote] map_port asks the router for`;
  return `${type} needs outside port ${outside} to lead to port ${inside} here${LEADS_HERE[place]}`;
}

/** The challenges that ports allow, the likelier first: http-01 where only port 80 is known to lead here, else tls-alpn-01. */
export function likelyChallenges({ ports, mappedPort }: Pick<Ways, 'ports' | 'mappedPort'>): OwnPortChallenge[] {
  const leadsHere = (port: number) => ports.includes(port) || mappedPort === port;
  return leadsHere(80) && !leadsHere(443) ? ['http-01', 'tls-alpn-01'] : ['tls-alpn-01', 'http-01'];
}

/** The solver for `type` on `board`. */
export function ownPortSolver(type: OwnPortChallenge, board: ChallengeBoard, ways: Ways): Solver {
  const remedy = `${whatMustLeadHere(type, ways)}; and the name has to lead to the public address of this site`;
  if (type === 'http-01') {
    return {
      type,
      remedy,
      show: async (proof) => board.showAnswer(proof),
      remove: async (proof) => board.removeAnswer(proof),
    };
  }
  return {
    type,
    remedy,
    show: (proof) => board.showCertificate(proof),
    remove: async (proof) => board.removeCertificate(proof),
  };
}

/** Whether `type` is answered on the own port. */
export function isOnOwnPort(type: ChallengeType): type is OwnPortChallenge {
  return type !== 'dns-01';
}
