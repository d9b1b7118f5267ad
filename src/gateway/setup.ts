/** `lockgate setup` on the running gateway: a new claim link, a claim by code, or the remembered server forgotten. */
import type { Gate } from '../access/gate.ts';
import type { ServerMonitor } from '../server/monitor.ts';

/** How long the server may take to say that it is claimed, after it took the code. */
const CONFIRMATION_MS = 30_000;
const CONFIRMATION_CHECK_MS = 500;

export interface SetupOutcome {
  readonly done: boolean;
  readonly lines: readonly string[];
}

export async function runSetup(
  question: Readonly<Record<string, unknown>>,
  { gate, monitor, serverName }: { gate: Gate; monitor: ServerMonitor; serverName: string | undefined },
): Promise<SetupOutcome> {
  if (question['newServer'] === true) return forget(monitor);
  const { kind, state, detail } = await monitor.probe();
  if (kind.name !== 'plex') {
    return { done: false, lines: [`next: a ${kind.title} is set up at its own address, not through the gateway`] };
  }
  if (state === 'claimed') return { done: true, lines: ['the media server is claimed already'] };
  if (state === 'unknown')
    return { done: false, lines: [detail ?? 'the media server does not answer', 'next: run lockgate doctor'] };
  return typeof question['code'] === 'string'
    ? claim(question['code'], gate, monitor, serverName)
    : offer(gate, serverName);
}

async function forget(monitor: ServerMonitor): Promise<SetupOutcome> {
  await monitor.forget();
  const { identity, url } = monitor.snapshot;
  if (identity === undefined)
    return { done: true, lines: ['the remembered server is forgotten; the next one found is taken'] };
  return { done: true, lines: [`the remembered server is forgotten; now: ${identity.name ?? identity.id} at ${url}`] };
}

async function offer(gate: Gate, serverName: string | undefined): Promise<SetupOutcome> {
  const made = await gate.setup.offer(serverName);
  if (made === undefined)
    return { done: false, lines: ['next: connect this host to a network, then run lockgate setup'] };
  return {
    done: true,
    lines: [
      `open on a computer at home:  ${made.link}`,
      `or the file:                 ${made.file}`,
      'The link is good for 30 minutes. Whoever has it can take the server: keep it to yourself.',
    ],
  };
}

const REFUSALS = {
  rejected: 'the server did not take the code: codes are good for four minutes; take a new one from plex.tv/claim',
  'other-subnet':
    "the server takes codes from its own subnet only: run this on the server's machine, or claim it there",
  unreachable: 'the server did not answer: see that it runs, then try again',
} as const;

async function claim(
  code: string,
  gate: Gate,
  monitor: ServerMonitor,
  serverName = 'the media server',
): Promise<SetupOutcome> {
  const answer = await gate.setup.claim(code);
  if (answer !== 'accepted') return { done: false, lines: [`next: ${REFUSALS[answer]}`] };
  const deadline = performance.now() + CONFIRMATION_MS;
  while (performance.now() < deadline) {
    const { state } = await monitor.probe();
    if (state === 'claimed') {
      await gate.setup.finish();
      return { done: true, lines: [`${serverName} is claimed`] };
    }
    await new Promise((resolve) => setTimeout(resolve, CONFIRMATION_CHECK_MS));
  }
  return {
    done: false,
    lines: ['the server took the code but does not say that it is claimed', 'next: run lockgate status in a minute'],
  };
}
