/** The part of the status page that tries the visitor's own resolver: whether a name that leads to this gateway is found from there. */
import { type Html, html } from './html.ts';
import { lightContent } from './status-parts.ts';
import type { Light } from './status-view.ts';

/** A name that leads to this gateway, which the visitor's browser tries out: it finds resolvers that hide private addresses. */
export interface NameTest {
  /** Origin with an address-in-name host: `https://192-168-1-2.0123….plex.direct:32400`. */
  readonly origin: string;
  /** The name is one of the private CA, which devices trust only when told to. */
  readonly needsTrust?: boolean;
  /** What to paste where, should it fail. */
  readonly snippets: readonly Snippet[];
}

export interface Snippet {
  /** `OpenWrt`, `FRITZ!Box`. */
  readonly router: string;
  readonly text: string;
}

/** Every outcome is in the page; the script shows the one that came true. Without scripts it says how to try. */
export function nameTestPart({ origin, needsTrust = false, snippets }: NameTest): Html {
  const outcome = (name: keyof typeof OUTCOMES, more?: Html, light: Light = OUTCOMES[name]) =>
    html`<div class="light" data-outcome="${name}" ${name === 'untried' ? undefined : html`hidden`}>${lightContent(light)}${more}</div>`;
  const byHand = html`<p class="more"><a href="${origin}/.lockgate/health"><code>${origin}</code></a></p>`;
  return html`<div class="name-test" data-origin="${origin}" aria-live="polite">
${outcome('untried', byHand)}${outcome('trying')}${outcome('found')}${outcome('lost', html`${needsTrust ? TRUST_FIRST : undefined}${pasteThis(snippets)}`, needsTrust ? LOST_OR_UNTRUSTED : OUTCOMES.lost)}
</div>`;
}

const OUTCOMES = {
  untried: {
    name: 'This device',
    verdict: 'unknown',
    summary: 'Open this address: when it says “ok”, this device finds the server under its own name.',
  },
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
    summary: 'Your DNS drops private answers, it seems: this device does not find the server under its own name.',
    remedy:
      'Most often a router hides names that lead to home addresses (rebinding protection). Paste this into yours, then load this page again; “lockgate doctor” tests every resolver on the way.',
  },
} as const satisfies Readonly<Record<string, Light>>;

/** A browser does not tell scripts which of the two it was. */
const LOST_OR_UNTRUSTED: Light = {
  ...OUTCOMES.lost,
  summary: 'It does not trust the gateway yet, or does not find the server under its own name.',
  remedy:
    'When it trusts the gateway and this stays: nobody told its DNS where the names are. Paste this into your router, then load this page again; “lockgate doctor” tests every resolver on the way.',
};

const TRUST_FIRST = html`<p class="more">The certificate is of the private CA, which a device has to be told to trust: <a href="/.lockgate/trust">begin there</a>.</p>`;

function pasteThis(snippets: readonly Snippet[]): Html {
  return html`<div class="more">${snippets.map(
    ({ router, text }) =>
      html`<details><summary>${router}</summary><pre tabindex="0"><code>${text}</code></pre></details>`,
  )}</div>`;
}

/** Part of the page's script. */
export const NAME_TEST_SCRIPT = `
const test = document.querySelector('[data-origin]');
const show = (outcome) => {
  for (const light of Array.from(test.children)) light.hidden = light.dataset.outcome !== outcome;
};
if (test) {
  show('trying');
  const patience = setTimeout(show, 8000, 'lost');
  fetch(test.dataset.origin + '/.lockgate/health', { mode: 'no-cors', credentials: 'omit', cache: 'no-store' })
    .then(() => 'found', () => 'lost')
    .then((outcome) => {
      clearTimeout(patience);
      show(outcome);
    });
}
`;
