/** The page where a PIN opens a session: made for a keyboard, a finger, a television's remote and a screen reader alike. */
import { durationInWords } from './duration.ts';
import { type Html, html } from './html.ts';
import { type RenderedPage, renderPage } from './layout.ts';
import { badge } from './verdict.ts';

/** Where the page lives, and where its form posts to. */
export const SIGN_IN_PATH = '/.lockgate/signin';

/** Names in the form, application/x-www-form-urlencoded: either a PIN, or `action=sign-out`. */
export const SIGN_IN_FIELDS = { pin: 'pin', action: 'action', signOut: 'sign-out' } as const;

export type SignInState =
  | { readonly state: 'ready' | 'wrong-pin' | 'signed-in' | 'signed-out' }
  /** Too many wrong PINs: none is looked at before the wait is over. */
  | { readonly state: 'throttled'; readonly waitSeconds: number }
  /** The gateway has no `pin_hash` (any more). */
  | { readonly state: 'not-set-up' };

export type SignInView = SignInState & {
  /** What the media server calls itself; undefined while that is not known. */
  readonly serverName: string | undefined;
};

/** Renders one state of the sign-in page. */
export function renderSignInPage(view: SignInView): RenderedPage {
  const server = view.serverName ?? 'the media server';
  switch (view.state) {
    case 'ready':
    case 'wrong-pin':
      return formPage(server, view.state === 'wrong-pin');
    case 'throttled':
      return card('Too many attempts', throttled(view.waitSeconds));
    case 'signed-in':
      return card('Signed in', signedIn(server));
    case 'signed-out':
      return card('Signed out', signedOut(server));
    case 'not-set-up':
      return card('No PIN here', NOT_SET_UP);
  }
}

function card(title: string, content: Html): RenderedPage {
  return renderPage({ title, shape: 'narrow', main: html`<div class="card">${content}</div>` });
}

function formPage(server: string, wrong: boolean): RenderedPage {
  const alert = html`<p class="note fault" role="alert" id="pin-error">That PIN is not right. Try again.</p>`;
  const state = wrong
    ? html`aria-invalid="true" aria-describedby="pin-error pin-hint"`
    : html`aria-describedby="pin-hint"`;
  const main = html`<div class="card">
<form method="post" action="${SIGN_IN_PATH}">
<div>
<h1>Sign in</h1>
<p class="soft">to <bdi>${server}</bdi></p>
${wrong ? alert : undefined}
</div>
<div class="field">
<label for="pin">PIN</label>
<input id="pin" name="${SIGN_IN_FIELDS.pin}" type="password" autocomplete="current-password" maxlength="64" required autofocus ${state}>
<p class="hint" id="pin-hint">The PIN of this household, not of your media account.</p>
</div>
${KEYPAD}
<button class="wide-button" type="submit">Sign in</button>
</form>
</div>`;
  return renderPage({ title: wrong ? 'Wrong PIN' : 'Sign in', shape: 'pin', main, script: KEYPAD_SCRIPT });
}

function throttled(waitSeconds: number): Html {
  return html`${badge('attention')}
<h1>Too many wrong PINs</h1>
<p>For now no PIN is accepted. Wait ${durationInWords(waitSeconds)}, then try again.</p>
<p class="actions"><a class="button" href="${SIGN_IN_PATH}">Try again</a></p>`;
}

function signedIn(server: string): Html {
  return html`${badge('good')}
<h1>You are signed in</h1>
<p>This browser may now use <bdi>${server}</bdi>.</p>
<p class="actions"><a class="button wide-button" href="/">Open the media server</a></p>
<form class="actions" method="post" action="${SIGN_IN_PATH}">
<button class="wide-button quiet" type="submit" name="${SIGN_IN_FIELDS.action}" value="${SIGN_IN_FIELDS.signOut}">Sign out</button>
</form>`;
}

function signedOut(server: string): Html {
  return html`${badge('good')}
<h1>You are signed out</h1>
<p>This browser can no longer use <bdi>${server}</bdi> without the PIN.</p>
<p class="actions"><a class="button" href="${SIGN_IN_PATH}">Sign in again</a></p>`;
}

const NOT_SET_UP = html`${badge('unknown')}
<h1>There is no PIN to sign in with</h1>
<p>Use your media server account in the app instead. Whoever runs this gateway can set a PIN: <code>lockgate hash-pin</code> prints the value for <code>pin_hash</code>.</p>`;

/** Hidden until the script shows it: without a script its keys would do nothing. */
const KEYPAD = html`<div class="keypad" role="group" aria-label="Keypad" hidden>
${['1', '2', '3', '4', '5', '6', '7', '8', '9'].map((digit) => html`<button type="button">${digit}</button>`)}
<button type="button" class="word" value="clear">Clear</button>
<button type="button">0</button>
<button type="button" class="word" value="delete" aria-label="Delete last digit">Delete</button>
<output class="said"></output>
</div>`;

/**
 * Shows the keypad, and lets the arrow keys of a remote walk from control to control.
 * Written in the language of 2016, which televisions understand.
 */
const KEYPAD_SCRIPT = `
const form = document.forms[0];
const pin = form.elements.pin;
const pad = form.querySelector('.keypad');
const said = pad.querySelector('output');
const stops = Array.from(form.querySelectorAll('input, button'));
const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

pad.hidden = false;

pad.addEventListener('click', (event) => {
  const key = event.target;
  if (key.tagName !== 'BUTTON') return;
  if (key.value === 'clear') pin.value = '';
  else if (key.value === 'delete') pin.value = pin.value.slice(0, -1);
  else pin.value += key.textContent;
  said.textContent = pin.value.length + ' entered';
});

function centreOf(element) {
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}

function movesCaret(key) {
  if (key === 'ArrowLeft') return pin.selectionStart > 0;
  return key === 'ArrowRight' && pin.selectionEnd < pin.value.length;
}

form.addEventListener('keydown', (event) => {
  const direction = directions[event.key];
  if (!direction || (event.target === pin && movesCaret(event.key))) return;
  const from = centreOf(event.target);
  let nearest;
  let least = Infinity;
  for (const stop of stops) {
    const to = centreOf(stop);
    const ahead = (to[0] - from[0]) * direction[0] + (to[1] - from[1]) * direction[1];
    const aside = Math.abs((to[0] - from[0]) * direction[1]) + Math.abs((to[1] - from[1]) * direction[0]);
    if (ahead > 1 && ahead + 2 * aside < least) {
      least = ahead + 2 * aside;
      nearest = stop;
    }
  }
  if (!nearest) return;
  event.preventDefault();
  nearest.focus();
});
`;
