/** The parts of the status page that change while it is open: each is rendered by itself, and sent anew when it is another. */
import { counted } from '../../lib/words.ts';
import { agoInWords } from './duration.ts';
import { type Html, html } from './html.ts';
import { RULES_IN_WORDS } from './rule-words.ts';
import type {
  CertificateLine,
  ConnectedClient,
  CounterLine,
  EverythingView,
  Light,
  RefusalLine,
  StatusView,
} from './status-view.ts';
import { table } from './table.ts';
import { badge, mark, type Verdict, worst } from './verdict.ts';

/** So many clients are shown. */
const MAX_CLIENTS = 50;

/** The parts of a view by name. A page shows those of its scope; `headline` and `lights` are in both. */
export type StatusParts = Readonly<Record<string, Html>>;

export function statusParts(view: StatusView): StatusParts {
  const verdict = verdictOf(view);
  const lights = {
    headline: html`${badge(verdict)}<h1>${HEADLINES[verdict]}</h1>`,
    lights: html`${view.lights.map((light) => html`<li><div class="light">${lightContent(light)}</div></li>`)}`,
  };
  return view.scope === 'lights' ? lights : { ...lights, ...everything(view) };
}

/** The page's title. */
export function headlineOf(view: StatusView): string {
  return HEADLINES[verdictOf(view)];
}

/** A light from the inside. */
export function lightContent({ name, verdict, summary, remedy }: Light): Html {
  return html`${mark(verdict)}<div><h2>${name}</h2>
<p>${summary}</p>
${remedy && html`<p class="soft">${remedy}</p>`}</div>`;
}

function verdictOf({ lights }: StatusView): Verdict {
  return worst(lights.map((light) => light.verdict));
}

const HEADLINES: Readonly<Record<Verdict, string>> = {
  good: 'Everything is in order',
  attention: 'Something needs attention',
  fault: 'Something is wrong',
  unknown: 'Not everything is known yet',
};

function everything(view: EverythingView): StatusParts {
  return {
    clients: clientTable(view.clients),
    refusals: refusalTable(view.refusals),
    certificates: certificateTable(view.certificates),
    dns: counterList(view.dnsCounters),
    gateway: gatewayFacts(view),
  };
}

function clientTable(clients: readonly ConnectedClient[]): Html {
  if (clients.length === 0) return html`<p>Nobody.</p>`;
  const rows = clients
    .slice(0, MAX_CLIENTS)
    .map(({ address, isAtHome, rule, ...counts }) => [
      html`<code>${address}</code><div class="soft">${isAtHome ? 'at home' : 'from outside'}</div>`,
      rule === null
        ? html`<span class="soft">has asked for nothing yet</span>`
        : html`${RULES_IN_WORDS[rule]}<div class="soft">rule <code>${rule}</code></div>`,
      html`${inUse(counts)}`,
    ]);
  const more = clients.length - rows.length;
  return html`${table(['Who', 'By which rule', 'Open'], rows)}${more > 0 ? html`<p class="soft">and ${more} more</p>` : undefined}`;
}

function inUse({
  connections,
  requests,
  webSockets,
}: Pick<ConnectedClient, 'connections' | 'requests' | 'webSockets'>): string {
  const also = [counted(requests, 'request'), counted(webSockets, 'WebSocket')].filter(
    (text) => !text.startsWith('0 '),
  );
  return [counted(connections, 'connection'), ...also].join(', ');
}

function counterList(counters: readonly CounterLine[] | undefined): Html {
  if (counters === undefined)
    return html`<p>The gateway does not answer names: [dns] is off, or its port is taken.</p>`;
  return html`<dl class="facts">
${counters.map(({ what, count }) => html`<dt>${what}</dt><dd>${count}</dd>`)}
</dl>`;
}

function gatewayFacts({ version, serverName, listeners, lanNetworks }: EverythingView): Html {
  const listenerLines = listeners.map(({ endpoint, purpose }) => html`<div><code>${endpoint}</code> ${purpose}</div>`);
  return html`<dl class="facts">
<dt>Media server</dt><dd><bdi>${serverName ?? 'not found yet'}</bdi></dd>
<dt>Listening on</dt><dd>${listenerLines}</dd>
<dt>Home networks</dt><dd>${lanNetworks.length === 0 ? 'none' : lanNetworks.map((network) => html`<code>${network}</code> `)}</dd>
<dt>Version</dt><dd>${version}</dd>
</dl>`;
}

function certificateTable(certificates: readonly CertificateLine[]): Html {
  if (certificates.length === 0) return html`<p>There is no certificate: only plain HTTP is served.</p>`;
  const rows = certificates.map(({ names, source, daysLeft }) => [
    html`${names.map((name) => html`<div><code>${name}</code></div>`)}`,
    html`${source}`,
    html`${expiry(daysLeft)}`,
  ]);
  return table(['Names', 'From', 'Expires'], rows);
}

function expiry(daysLeft: number): string {
  if (daysLeft < 0) return 'has expired';
  if (daysLeft === 0) return 'today';
  return daysLeft === 1 ? 'in 1 day' : `in ${daysLeft} days`;
}

function refusalTable(refusals: readonly RefusalLine[]): Html {
  if (refusals.length === 0) return html`<p>Nobody has been turned away since the gateway started.</p>`;
  const rows = refusals.map(({ secondsAgo, address, method, path, reason, rule, remedy }) => [
    html`<code>${address}</code><div class="soft">${agoInWords(secondsAgo)}</div>`,
    html`<code>${method} ${path}</code><div class="soft">${reason === rule ? reason : `${reason}, rule ${rule}`}</div>`,
    remedy === undefined ? html`<span class="soft">nothing would</span>` : html`<code>${remedy}</code>`,
  ]);
  return table(['Who', 'What', 'What would let it in'], rows);
}
