/** A service with one fake upstream behind it, and the short way to ask it. */
import type { DnsOptions, DnsService } from '../../src/dns/server.ts';
import { askUdp } from './ask.ts';
import { type Asked, type FakeUpstream, fakeUpstream } from './fake-upstream.ts';
import { withDns } from './site.ts';

/** What an honest upstream says, and what a liar says. */
export const TRUTH = '93.184.216.34';
export const LIE = '66.66.66.66';

export interface Scene {
  readonly service: DnsService;
  readonly port: number;
  readonly upstream: FakeUpstream;
}

export async function withUpstream(
  handle: (asked: Asked) => void,
  story: (scene: Scene) => Promise<void>,
  changes: Partial<DnsOptions> = {},
): Promise<void> {
  const upstream = await fakeUpstream(handle);
  try {
    await withDns({ upstreams: [upstream.entry], ...changes }, (service, port) => story({ service, port, upstream }));
  } finally {
    await upstream.close();
  }
}

/** The addresses in the answer, or its RCODE. */
export async function addresses(port: number, name = 'www.example', type = 'A'): Promise<unknown> {
  const reply = await askUdp(name, type, { port });
  return reply.rcode === 'NOERROR' ? reply.answers : reply.rcode;
}
