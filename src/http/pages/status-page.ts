/** The gateway's own page: a few lights for everyone at home, everything for those who are let in. */
import type { RefusalReason, RuleName } from '../../access/decision.ts';
import type { Place } from '../../access/facts.ts';
import { durationInWords } from './duration.ts';
import { type Html, html } from './html.ts';
import { type RenderedPage, renderPage } from './layout.ts';
import { badge, mark, type Verdict, worst } from './verdict.ts';

/** One thing that works or does not. */
export interface Light {
  /** `Certificate`, `Media server`, `Claimed`, `Remote access`. */
  readonly name: string;
  readonly verdict: Verdict;
  /** What is so, in one sentence. */
  readonly summary: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly remedy?: string;
}

/** How the gateway sees the one who looks. */
export interface Asker {
  readonly address: string;
  readonly place: Place;
  /** The rule that an ordinary request of theirs would meet. */
  readonly rule: RuleName;
  /** What that rule means for them, in one sentence. */
  readonly meaning: string;
}

export interface CertificateLine {
  readonly names: readonly string[];
  /** Where it comes from: `server`, `files`, `acme`, `private CA`. */
  readonly source: string;
  /** Whole days until it expires; negative when it has. */
  readonly daysLeft: number;
}

export interface ListenerLine {
  /** `HTTP and HTTPS`, `DNS`. */
  readonly purpose: string;
  /** `192.168.1.2:32443`, `[::]:32443`. */
  readonly endpoint: string;
}

export interface RefusalLine {
  readonly secondsAgo: number;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly reason: RefusalReason;
  readonly rule: RuleName;
  /** The line of the configuration that would let it in; absent when none would. */
  readonly remedy?: string;
}

/** A name that leads to this gateway, which the visitor's browser tries out: it finds resolvers that hide private addresses. */
export interface NameTest {
  /** Origin with an address-in-name host: `https://192-168-1-2.0123….plex.direct:32400`. */
  readonly origin: string;
}

interface LightsView {
  readonly scope: 'lights';
  readonly lights: readonly Light[];
  readonly asker: Asker;
  /** Absent: no name of the server leads here, nothing can be tried. */
  readonly nameTest?: NameTest;
}

interface EverythingView extends Omit<LightsView, 'scope'> {
  readonly scope: 'everything';
  readonly version: string;
  readonly serverName: string | undefined;
  readonly certificates: readonly CertificateLine[];
  readonly listeners: readonly ListenerLine[];
  readonly lanNetworks: readonly string[];
  /** Newest first. */
  readonly refusals: readonly RefusalLine[];
}

export type StatusView = LightsView | EverythingView;

/** Renders the status page in one of its two scopes. */
export function renderStatusPage(view: StatusView): RenderedPage {
  const verdict = worst(view.lights.map((light) => light.verdict));
  const main = html`<div class="top">${badge(verdict)}<h1>${HEADLINES[verdict]}</h1></div>
<ul class="lights">
${view.lights.map(lightItem)}
${view.nameTest && nameTestItem(view.nameTest)}
</ul>
${askerPanel(view.asker)}
${view.scope === 'everything' ? everything(view) : undefined}`;
  const script = view.nameTest && NAME_TEST_SCRIPT;
  return renderPage({ title: HEADLINES[verdict], shape: 'wide', main, script, connectTo: view.nameTest?.origin });
}

const HEADLINES: Readonly<Record<Verdict, string>> = {
  good: 'Everything is in order',
  attention: 'Something needs attention',
  fault: 'Something is wrong',
  unknown: 'Not everything is known yet',
};

function lightItem(light: Light): Html {
  return html`<li><div class="light">${lightContent(light)}</div></li>`;
}

function lightContent({ name, verdict, summary, remedy }: Light): Html {
  return html`${mark(verdict)}<div><h2>${name}</h2>
<p>${summary}</p>
${remedy && html`<p class="soft">${remedy}</p>`}</div>`;
}

/** Every outcome is in the page; the script shows the one that came true. */
function nameTestItem({ origin }: NameTest): Html {
  const outcomes = Object.entries(NAME_TEST_OUTCOMES).map(
    ([outcome, light]) =>
      html`<div class="light" data-outcome="${outcome}" ${outcome === 'trying' ? undefined : html`hidden`}>${lightContent(light)}</div>`,
  );
  return html`<li data-origin="${origin}">${outcomes}</li>`;
}

const NAME_TEST_OUTCOMES: Readonly<Record<'trying' | 'found' | 'lost', Light>> = {
  trying: {
    name: 'This device',
    verdict: 'unknown',
    summary: 'Trying whether it finds the server under its own name.',
  },
  found: {
    name: 'This device',
    verdict: 'good',
    summary: 'It finds the server under its own name, encrypted.',
  },
  lost: {
    name: 'This device',
    verdict: 'attention',
    summary: 'It does not find the server under its own name.',
    remedy:
      'Most often a router hides names that lead to home addresses (rebinding protection). “lockgate doctor” says whether it does, “lockgate snippet” prints the lines for it.',
  },
};

const NAME_TEST_SCRIPT = `
const item = document.querySelector('[data-origin]');
const show = (outcome) => {
  for (const light of Array.from(item.children)) light.hidden = light.dataset.outcome !== outcome;
};
const patience = setTimeout(show, 8000, 'lost');
fetch(item.dataset.origin + '/.lockgate/health', { mode: 'no-cors', credentials: 'omit', cache: 'no-store' })
  .then(() => 'found', () => 'lost')
  .then((outcome) => {
    clearTimeout(patience);
    show(outcome);
  });
`;

const PLACES: Readonly<Record<Place, string>> = {
  loopback: 'the gateway’s own machine',
  lan: 'the home network',
  outside: 'outside the home network',
  masked: 'unknown: the address stands for many',
};

function askerPanel({ address, place, rule, meaning }: Asker): Html {
  return panel(
    'You',
    html`<dl class="facts">
<dt>Your address</dt><dd><code>${address}</code></dd>
<dt>Where that is</dt><dd>${PLACES[place]}</dd>
<dt>What you get</dt><dd>${meaning} <span class="soft">Rule <code>${rule}</code></span></dd>
</dl>`,
  );
}

function everything(view: EverythingView): Html {
  return html`${panel('Refused lately', refusalTable(view.refusals))}
${panel('Certificates', certificateTable(view.certificates))}
${panel('Gateway', gatewayFacts(view))}`;
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
    html`<code>${address}</code><div class="soft">${durationInWords(secondsAgo)} ago</div>`,
    html`<code>${method} ${path}</code><div class="soft">${reason === rule ? reason : `${reason}, rule ${rule}`}</div>`,
    remedy === undefined ? html`<span class="soft">nothing would</span>` : html`<code>${remedy}</code>`,
  ]);
  return table(['Who', 'What', 'What would let it in'], rows);
}

function panel(title: string, content: Html): Html {
  const id = title.toLowerCase().replaceAll(' ', '-');
  return html`<section class="panel" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}
</section>`;
}

/** A table that a narrow screen shows as one block per row; the roles keep it a table for screen readers there. */
function table(headings: readonly string[], rows: readonly (readonly Html[])[]): Html {
  const cell = (content: Html, column: number) =>
    html`<td role="cell" data-label="${headings[column]}">${content}</td>`;
  return html`<table role="table">
<thead role="rowgroup"><tr role="row">${headings.map((heading) => html`<th role="columnheader" scope="col">${heading}</th>`)}</tr></thead>
<tbody role="rowgroup">
${rows.map((cells) => html`<tr role="row">${cells.map(cell)}</tr>`)}
</tbody>
</table>`;
}
