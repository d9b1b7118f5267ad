/** The page that makes trust easy: the private CA's root to download, how to install it on each device, and what that means. */
import { day } from '../../lib/words.ts';
import { type Html, html } from './html.ts';
import { type RenderedPage, renderPage } from './layout.ts';
import { qrCode } from './qr-code.ts';
import { type Device, INSTRUCTIONS, TRUST_FILES } from './trust-steps.ts';
import { badge } from './verdict.ts';

/** Where the page lives. */
export const TRUST_PATH = '/.lockgate/trust';

export interface TrustView {
  /** What devices call the root: its common name. */
  readonly rootName: string;
  /** SHA-256, upper case hex with colons. */
  readonly fingerprint: string;
  readonly notAfter: Date;
  /** The domains that the root may vouch for. */
  readonly domains: readonly string[];
  /** Where the gateway is on the LAN, `192.168.1.2:32443`; undefined: it cannot know, and shows no code. */
  readonly endpoint: string | undefined;
  /** The page came over TLS. */
  readonly isTls: boolean;
  /** What the visitor seems to have. */
  readonly device: Device | undefined;
}

/** Renders the page. */
export function renderTrustPage(view: TrustView): RenderedPage {
  const main = html`<h1>Let this device trust the gateway</h1>
<p class="soft">The gateway made its own certificate, which no device knows yet: browsers warn. Install its root once on each device, and they stop.</p>
<div class="trust">
${view.endpoint && codePanel(view.endpoint)}
<section class="panel" aria-labelledby="root"><h2 id="root">${view.rootName}</h2>
<p class="downloads"><a class="button quiet" href="${TRUST_FILES.profile}">Profile (Apple)</a> <a class="button quiet" href="${TRUST_FILES.binary}">Certificate (.crt)</a> <a class="button quiet" href="${TRUST_FILES.pem}">Certificate (PEM)</a></p>
${caution(view)}
</section>
</div>
<section class="panel" aria-labelledby="steps"><h2 id="steps">Step by step</h2>
${INSTRUCTIONS.map((instructions) => instruction(instructions, instructions.device === view.device))}
</section>
${meaning(view)}`;
  return renderPage({ title: 'Trust this gateway', shape: 'wide', main });
}

/** Without a private CA there is nothing to install. */
export function renderNothingToTrust(): RenderedPage {
  const main = html`<div class="card">${badge('good')}
<h1>Nothing to install</h1>
<p>The gateway has no certificate of its own making: what it shows was issued by an authority that devices know, or it has none at all. <a href="/.lockgate/">Its status</a> says which.</p></div>`;
  return renderPage({ title: 'Nothing to install', shape: 'narrow', main });
}

function codePanel(endpoint: string): Html {
  const url = `http://${endpoint}${TRUST_PATH}`;
  return html`<section class="panel by-camera" aria-labelledby="phone"><h2 id="phone">On a phone</h2>
${qrCode(url, `QR code for ${url}`)}
<p class="soft">Point its camera here, or type <code>${url}</code></p>
</section>`;
}

/** A root that somebody swapped on the way would open everything that it may vouch for: the one thing to compare. */
function caution({ fingerprint, isTls }: TrustView): Html {
  const way = isTls
    ? 'This device could not check yet that the page is the gateway’s'
    : 'This page came over plain HTTP, because nothing better is trusted yet';
  return html`<p>${way}. Before you say yes, compare what the device shows with the fingerprint that <code>lockgate ca --fingerprint</code> prints on the gateway itself:</p>
<p><span class="soft">SHA-256</span> <code class="fingerprint">${inGroups(fingerprint)}</code></p>`;
}

/** Lines break behind every eighth pair, so that they can be compared by eye. */
function inGroups(fingerprint: string): Html[] {
  const groups = fingerprint.match(/.{1,24}/g) ?? [];
  return groups.map((group) => html`${group}<wbr>`);
}

function instruction({ title, steps, note }: (typeof INSTRUCTIONS)[number], isOpen: boolean): Html {
  const list =
    steps.length === 0 ? undefined : html`<ol class="steps">${steps.map((step) => html`<li>${step}</li>`)}</ol>`;
  return html`<details ${isOpen ? html`open` : undefined}><summary>${title}</summary>
${list}
${note && html`<p class="soft">${note}</p>`}
</details>`;
}

function meaning({ domains, notAfter, endpoint }: TrustView): Html {
  const check =
    endpoint &&
    html`<p>When it is done, <a href="https://${endpoint}/.lockgate/">https://${endpoint}/.lockgate/</a> opens without a warning.</p>`;
  return html`<section class="panel" aria-labelledby="meaning"><h2 id="meaning">What you agree to</h2>
<p>The root is this gateway’s alone. It may vouch for addresses of home networks and for names below ${domains.map((domain) => html`<code>${domain}</code> `)}– systems and browsers of today refuse anything else from it, so that whoever stole its key could not pose as your bank. Good until ${day(notAfter)}.</p>
${check}
<p class="soft">To take it back, remove “lockgate private CA” where you installed it.</p>
</section>`;
}
