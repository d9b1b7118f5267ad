/** The gateway's own pages under `/.lockgate/`: health, metrics, status, sign-in, set-up, trust. The policy has already let the asker in. */
import type { Readable } from 'node:stream';
import type { PageScope } from '../access/decision.ts';
import type { Gate } from '../access/gate.ts';
import type { ClientAnswer } from '../http/client-message.ts';
import { EVENT_STREAM_HEADERS, EventStreams } from '../http/event-streams.ts';
import type { PageAsk } from '../http/full-lane.ts';
import type { RenderedPage } from '../http/pages/layout.ts';
import type { SetupView } from '../http/pages/setup-page.ts';
import type { SignInView } from '../http/pages/signin-page.ts';
import type { Visit } from '../http/pages/status-page.ts';
import type { StatusView } from '../http/pages/status-view.ts';
import type { TrustGround } from './trust.ts';

/** The forms have two short fields. */
const MAX_FORM_BYTES = 4096;
const FORM_TIMEOUT_MS = 10_000;
const STREAM_RETRY_SECONDS = 15;
const TEXT = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

export interface GatewayPagesOptions {
  readonly gate: Gate;
  /** Listeners are up and the policy is loaded. */
  readonly isUp: () => boolean;
  readonly isServerUsable: () => boolean;
  readonly serverName: () => string | undefined;
  readonly serverUrl: () => string | undefined;
  readonly trustGround: () => Promise<TrustGround>;
  readonly statusView: (scope: PageScope) => StatusView;
  /** What the status page says to this visitor alone. */
  readonly visit: (ask: PageAsk) => Promise<Visit>;
  readonly metrics: () => string;
  /** What a certificate authority wants to find at `path`. */
  readonly challengeAnswer: (path: string) => string | undefined;
}

export class GatewayPages {
  readonly #options: GatewayPagesOptions;
  #streams: EventStreams | undefined;

  constructor(options: GatewayPagesOptions) {
    this.#options = options;
  }

  /** Answers to the end. */
  async answer(ask: PageAsk): Promise<void> {
    switch (ask.decision.page) {
      case 'health':
        return this.#health(ask);
      case 'metrics':
        return send(ask, {
          status: 200,
          headers: { ...TEXT, 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
          body: this.#options.metrics(),
        });
      case 'status':
        return this.#status(ask);
      case 'events':
        return this.#events(ask);
      case 'signin':
        return this.#signIn(ask);
      case 'setup':
        return this.#setup(ask);
      case 'trust':
        return this.#trust(ask);
      case 'acme-challenge':
        return send(ask, { status: 200, headers: TEXT, body: this.#options.challengeAnswer(ask.head.path) ?? '' });
    }
  }

  #health(ask: PageAsk): void {
    const isServerAsked = new URLSearchParams(ask.head.query).get('server') === '1';
    const isWell = this.#options.isUp() && (!isServerAsked || this.#options.isServerUsable());
    send(ask, { status: isWell ? 200 : 503, headers: TEXT, body: isWell ? 'ok\n' : 'not ready\n' });
  }

  async #status(ask: PageAsk): Promise<void> {
    const { renderStatusPage } = await import('../http/pages/status-page.ts');
    sendPage(ask, renderStatusPage(this.#options.statusView(ask.decision.scope), await this.#options.visit(ask)));
  }

  async #events(ask: PageAsk): Promise<void> {
    const { statusEvent } = await import('../http/pages/status-page.ts');
    const { statusView } = this.#options;
    this.#streams ??= new EventStreams({ partsOf: (scope) => statusEvent(statusView(scope as PageScope)) });
    const { response, head, client, peer, decision } = ask;
    if (response.destroyed) return;
    if (head.method === 'HEAD') return send(ask, { status: 200, headers: EVENT_STREAM_HEADERS, body: '' });
    if (!this.#streams.open(response, client.address ?? peer.address, decision.scope)) refuseStream(ask);
  }

  async #trust(ask: PageAsk): Promise<void> {
    const { trustAnswer } = await import('./trust.ts');
    send(ask, trustAnswer(ask, await this.#options.trustGround()));
  }

  async #signIn(ask: PageAsk): Promise<void> {
    const { renderSignInPage, SIGN_IN_FIELDS } = await import('../http/pages/signin-page.ts');
    const serverName = this.#options.serverName();
    const show = (view: Pick<SignInView, 'state'> | { state: 'throttled'; waitSeconds: number }, answer: Answer = {}) =>
      sendPage(ask, renderSignInPage({ serverName, ...view } as SignInView), answer);
    if (ask.head.method !== 'POST') return show({ state: 'ready' });
    const form = await readForm(ask.request);
    if (form === undefined) return sendTooLarge(ask);
    if (form.get(SIGN_IN_FIELDS.action) === SIGN_IN_FIELDS.signOut) {
      return show({ state: 'signed-out' }, { setCookie: this.#options.gate.signOut(ask.head, ask.peer) });
    }
    const result = await this.#options.gate.signIn(form.get(SIGN_IN_FIELDS.pin) ?? '', ask.head, ask.peer);
    switch (result.outcome) {
      case 'signed-in':
        return show({ state: 'signed-in' }, { setCookie: result.setCookie });
      case 'throttled':
        return show({ state: 'throttled', waitSeconds: result.waitSeconds }, throttledAnswer(result.waitSeconds));
      case 'wrong-pin':
        return show({ state: 'wrong-pin' }, { status: 401, reason: 'bad-credentials' });
      case 'not-set-up':
        return show({ state: 'not-set-up' }, { status: 404, reason: 'not-found' });
    }
  }

  async #setup(ask: PageAsk): Promise<void> {
    const { renderSetupPage, SETUP_FIELDS } = await import('../http/pages/setup-page.ts');
    const { gate, serverName, serverUrl } = this.#options;
    const show = (view: object & { state: SetupView['state'] }, answer: Answer = {}) =>
      sendPage(ask, renderSetupPage({ serverName: serverName(), ...view } as SetupView), answer);
    if (ask.head.method !== 'POST') return show({ state: gate.setup.progress });
    const form = await readForm(ask.request);
    if (form === undefined) return sendTooLarge(ask);
    const client = ask.client.address ?? ask.peer.address;
    const result = await gate.setup.submit({
      key: form.get(SETUP_FIELDS.key) ?? '',
      code: form.get(SETUP_FIELDS.code) ?? '',
      client,
    });
    switch (result.outcome) {
      case 'accepted':
        return show({ state: gate.setup.progress === 'done' ? 'done' : 'waiting' });
      case 'throttled':
        return show(
          { state: 'throttled', waitSeconds: result.waitSeconds } as never,
          throttledAnswer(result.waitSeconds),
        );
      case 'wrong-key':
        return show({ state: 'wrong-key' }, { status: 403, reason: 'bad-credentials' });
      case 'other-subnet':
        return show({ state: 'other-subnet', serverUrl: serverUrl() ?? '' } as never, { status: 409 });
      case 'unreachable':
        return show({ state: 'unreachable' }, { status: 502, reason: 'server-down' });
      case 'rejected':
        return show({ state: 'rejected-code' }, { status: 422 });
    }
  }
}

/** How an answer to a form differs from a plain 200. */
interface Answer {
  readonly status?: number;
  readonly reason?: string;
  readonly setCookie?: string;
  readonly retryAfterSeconds?: number;
}

function throttledAnswer(waitSeconds: number): Answer {
  return { status: 429, reason: 'throttled', retryAfterSeconds: waitSeconds };
}

function sendPage(ask: PageAsk, page: RenderedPage, answer: Answer = {}): void {
  const headers: Record<string, string> = { ...page.headers };
  if (answer.reason !== undefined) headers['X-Lockgate-Reason'] = answer.reason;
  if (answer.setCookie !== undefined) headers['Set-Cookie'] = answer.setCookie;
  if (answer.retryAfterSeconds !== undefined) headers['Retry-After'] = String(answer.retryAfterSeconds);
  send(ask, { status: answer.status ?? 200, headers, body: page.html });
}

/** A stream that cannot be had now; browsers do not come back to it by themselves. */
function refuseStream(ask: PageAsk): void {
  const headers = { ...TEXT, 'X-Lockgate-Reason': 'throttled', 'Retry-After': String(STREAM_RETRY_SECONDS) };
  send(ask, { status: 429, headers, body: 'Too many pages follow the gateway already.\n' });
}

function sendTooLarge(ask: PageAsk): void {
  send(ask, { status: 413, headers: { ...TEXT, Connection: 'close' }, body: 'The form is larger than it can be.\n' });
}

function send(
  { response, head }: PageAsk,
  answer: { status: number; headers: Readonly<Record<string, string>>; body: string | Buffer },
): void {
  writeAnswer(response, head.method === 'HEAD', answer);
}

function writeAnswer(
  response: ClientAnswer,
  isHead: boolean,
  { status, headers, body }: { status: number; headers: Readonly<Record<string, string>>; body: string | Buffer },
): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(isHead ? undefined : body);
}

/** The fields of a posted form; undefined when it is larger than any of ours, or does not come in time. */
async function readForm(request: Readable): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const deadline = setTimeout(() => request.destroy(), FORM_TIMEOUT_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_FORM_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  } finally {
    clearTimeout(deadline);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
