/** The page that claims a media server without a screen: a one-time key from the link, a code from the account service. */
import { durationInWords } from './duration.ts';
import { type Html, html } from './html.ts';
import { type RenderedPage, renderPage } from './layout.ts';
import { badge, WAITING_BADGE } from './verdict.ts';

/** Where the page lives, and where its form posts to. The link carries the key as the fragment: `/.lockgate/setup#<key>`. */
export const SETUP_PATH = '/.lockgate/setup';

/** Names in the form, application/x-www-form-urlencoded. */
export const SETUP_FIELDS = { key: 'key', code: 'code' } as const;

const CLAIM_PAGE = 'https://www.plex.tv/claim';
const REFRESH_SECONDS = 2;

export type SetupState =
  | { readonly state: 'ready' | 'wrong-key' | 'rejected-code' | 'unreachable' | 'waiting' | 'done' }
  /** Too many wrong keys. */
  | { readonly state: 'throttled'; readonly waitSeconds: number }
  /** The gateway is not in the server's subnet, so the server would refuse the claim. `serverUrl` is where it listens, seen from its own subnet. */
  | { readonly state: 'other-subnet'; readonly serverUrl: string };

export type SetupView = SetupState & {
  /** What the media server calls itself; undefined while that is not known. */
  readonly serverName: string | undefined;
};

/** Renders one state of the set-up page. */
export function renderSetupPage(view: SetupView): RenderedPage {
  const server = view.serverName ?? 'your media server';
  switch (view.state) {
    case 'ready':
      return formPage(server);
    case 'wrong-key':
    case 'rejected-code':
    case 'unreachable':
      return formPage(server, view.state);
    case 'throttled':
      return card('Too many attempts', throttled(view.waitSeconds));
    case 'waiting':
      return waitingPage(server);
    case 'done':
      return card('Done', done(server));
    case 'other-subnet':
      return card('Another way is needed', otherSubnet(server, view.serverUrl));
  }
}

function card(title: string, content: Html): RenderedPage {
  return renderPage({ title, shape: 'narrow', main: html`<div class="card">${content}</div>` });
}

const COMPLAINTS = {
  'wrong-key':
    'This link is not, or no longer, valid. Run “lockgate setup” on the gateway for a new one, and open that.',
  'rejected-code': 'The code was not accepted. It is good for four minutes and for one use: get a new one.',
  unreachable: 'The media server did not answer. See that it runs, then try again with a new code.',
} as const;

function formPage(server: string, trouble?: keyof typeof COMPLAINTS): RenderedPage {
  const complaint = trouble && html`<p class="note fault" role="alert" id="complaint">${COMPLAINTS[trouble]}</p>`;
  const blamedFor = (own: keyof typeof COMPLAINTS) =>
    trouble === own ? html`aria-invalid="true" aria-describedby="complaint"` : undefined;
  const main = html`<div class="card">
<h1>Make <bdi>${server}</bdi> yours</h1>
<p class="soft">It belongs to no account yet, so the gateway lets nobody through to it.</p>
${complaint}
<ol class="steps">
<li>Sign in at <a href="${CLAIM_PAGE}" target="_blank" rel="noreferrer">plex.tv/claim</a> with the account that shall own the server. It shows a code.</li>
<li>Bring the code here within four minutes.</li>
</ol>
<form method="post" action="${SETUP_PATH}">
<div class="field" id="key-field">
<label for="key">Key from the setup file</label>
<input id="key" name="${SETUP_FIELDS.key}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="128" required ${blamedFor('wrong-key')}>
</div>
<div class="field">
<label for="code">Code</label>
<input id="code" name="${SETUP_FIELDS.code}" placeholder="claim-…" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="128" required autofocus ${blamedFor('rejected-code')}>
</div>
<button class="wide-button" type="submit">Claim the server</button>
</form>
</div>`;
  return renderPage({ title: 'Set up', shape: 'narrow', main, script: KEY_SCRIPT });
}

/**
 * Moves the key from the fragment, which never leaves the browser by itself, into the form, and keeps the fragment over the
 * post, so that a second try still has it. Without a script, or without a fragment, the key is asked for.
 */
const KEY_SCRIPT = `
const form = document.forms[0];
const fragment = location.hash;
if (fragment.length > 1) {
  form.elements.key.value = fragment.slice(1);
  form.action += fragment;
  document.getElementById('key-field').hidden = true;
}
`;

function waitingPage(server: string): RenderedPage {
  const main = html`<div class="card" role="status">${WAITING_BADGE}
<h1>One moment</h1>
<p><bdi>${server}</bdi> is signing in to its account. This page goes on by itself.</p>
</div>`;
  const refresh = { afterSeconds: REFRESH_SECONDS, path: SETUP_PATH };
  return renderPage({ title: 'One moment', shape: 'narrow', main, refresh });
}

function done(server: string): Html {
  return html`${badge('good')}
<h1><bdi>${server}</bdi> is yours</h1>
<p>The gateway lets your account in from now on. The setup file has been removed; its link is void.</p>
<p class="actions"><a class="button wide-button" href="/">Open the media server</a></p>`;
}

function throttled(waitSeconds: number): Html {
  return html`${badge('attention')}
<h1>Too many wrong keys</h1>
<p>For now no key is accepted. Wait ${durationInWords(waitSeconds)}, then open the link from the setup file again.</p>`;
}

function otherSubnet(server: string, serverUrl: string): Html {
  return html`${badge('attention')}
<h1>The server would refuse a claim from here</h1>
<p><bdi>${server}</bdi> can only be claimed from its own network, and this gateway is in another one.</p>
<p>Open <code>${serverUrl}/web</code> with a browser in the server’s own network, or from the machine it runs on, and sign in there. The gateway notices by itself.</p>`;
}
