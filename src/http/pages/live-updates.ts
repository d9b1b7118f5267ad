/** The part of the status page that keeps it up to date: a line that says whether it is, and the script that follows the gateway. */
import { type Html, html } from './html.ts';

/** `asOf`: local time of the gateway, for those whose browser runs no scripts. */
export function livePart(asOf: string): Html {
  return html`<p class="live soft" role="status"><span data-live="no">As of ${asOf}. <a href="">Load again</a></span>
<span data-live="yes" hidden><span class="pulse good"></span>Kept up to date</span>
<span data-live="lost" hidden>The gateway is not heard any more; what stands here may be old. Trying again.</span>
<span data-live="changed" hidden>What you may see has changed. <a href="">Load again</a></span></p>`;
}

/** Part of the page's script. A page in the background follows nothing; a stream that is refused is tried again now and then. */
export const LIVE_SCRIPT = `
const scope = document.querySelector('[data-scope]').dataset.scope;
let source;
let again;
const say = (how) => {
  for (const line of Array.from(document.querySelectorAll('[data-live]'))) line.hidden = line.dataset.live !== how;
};
const take = (parts) => {
  if (parts.scope && parts.scope !== scope) {
    source.close();
    say('changed');
    return;
  }
  for (const part of Array.from(document.querySelectorAll('[data-part]'))) {
    const text = parts[part.dataset.part];
    if (text !== undefined) part.innerHTML = text;
  }
  if (parts.title) document.title = parts.title;
};
const follow = () => {
  clearTimeout(again);
  if (source) source.close();
  if (document.hidden) return;
  source = new EventSource('/.lockgate/events' + location.search);
  source.onopen = () => say('yes');
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.onerror = () => {
    say('lost');
    if (source.readyState === 2) again = setTimeout(follow, 15000);
  };
};
if (window.EventSource) {
  document.addEventListener('visibilitychange', follow);
  follow();
}
`;
