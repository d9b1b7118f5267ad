/** The gateway's own page: a few lights for everyone at home, everything for those who are let in; kept up to date while it is open. */
import type { Place } from '../../access/facts.ts';
import { type Html, html } from './html.ts';
import { pageTitle, type RenderedPage, renderPage } from './layout.ts';
import { LIVE_SCRIPT, livePart } from './live-updates.ts';
import { NAME_TEST_SCRIPT, type NameTest, nameTestPart } from './name-test.ts';
import { headlineOf, type StatusParts, statusParts } from './status-parts.ts';
import type { Asker, StatusView } from './status-view.ts';

/** What is rendered once, for this visitor. */
export interface Visit {
  readonly asker: Asker;
  /** Absent: no name of the server leads here, nothing can be tried. */
  readonly nameTest?: NameTest;
  /** Local time of the gateway. */
  readonly asOf: string;
}

/** Renders the status page in one of its two scopes. */
export function renderStatusPage(view: StatusView, { asker, nameTest, asOf }: Visit): RenderedPage {
  const parts = statusParts(view);
  const main = html`<div data-scope="${view.scope}">
<div class="top" role="status" data-part="headline">${parts['headline']}</div>
${livePart(asOf)}
<ul class="lights" data-part="lights">
${parts['lights']}
</ul>
${nameTest && nameTestPart(nameTest)}
${PANELS.map(([name, title]) => panel(name, title, parts))}
${askerPanel(asker)}
</div>`;
  const connectTo = ["'self'", ...(nameTest === undefined ? [] : [new URL(nameTest.origin).origin])];
  return renderPage({ title: headlineOf(view), shape: 'wide', main, script: SCRIPT, connectTo });
}

/** What an open page is sent: the scope, the title, and the HTML of each part. */
export function statusEvent(view: StatusView): Readonly<Record<string, string>> {
  const parts = Object.entries(statusParts(view)).map(([name, part]) => [name, part.text]);
  return { scope: view.scope, title: pageTitle(headlineOf(view)), ...Object.fromEntries(parts) };
}

const SCRIPT = LIVE_SCRIPT + NAME_TEST_SCRIPT;

const PANELS = [
  ['clients', 'Who is connected'],
  ['refusals', 'Refused lately'],
  ['certificates', 'Certificates'],
  ['dns', 'Names answered'],
  ['gateway', 'Gateway'],
] as const;

const PLACES: Readonly<Record<Place, string>> = {
  loopback: 'the gateway’s own machine',
  lan: 'the home network',
  outside: 'outside the home network',
  masked: 'unknown: the address stands for many',
};

function askerPanel({ address, place, rule, meaning }: Asker): Html {
  return html`<section class="panel" aria-labelledby="you"><h2 id="you">You</h2>
<dl class="facts">
<dt>Your address</dt><dd><code>${address}</code></dd>
<dt>Where that is</dt><dd>${PLACES[place]}</dd>
<dt>What you get</dt><dd>${meaning} <span class="soft">Rule <code>${rule}</code></span></dd>
</dl>
</section>`;
}

/** Nothing where the scope does not have it. */
function panel(name: string, title: string, parts: StatusParts): Html {
  const part = parts[name];
  if (part === undefined) return html``;
  return html`<section class="panel" aria-labelledby="title-${name}"><h2 id="title-${name}">${title}</h2>
<div data-part="${name}">${part}</div>
</section>`;
}
