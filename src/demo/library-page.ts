/** The one page of the sample library: posters, music, a film, and what the visitor can see of the gateway. */
import { createHash } from 'node:crypto';
import { POSTERS } from './posters.ts';

const STYLE = `
:root { color-scheme: dark; --ink: #eaf4f1; --soft: #9db8b2; --line: #22403d; --card: #0f2422; --accent: #6fd6c3; }
* { box-sizing: border-box; }
body { margin: 0; background: #081614; color: var(--ink); font: 400 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem 3rem; }
.hero { position: relative; }
.hero img { display: block; width: 100%; height: 56vh; object-fit: cover; object-position: 50% 70%; }
.hero::after { content: ""; position: absolute; inset: 60% 0 0; background: linear-gradient(transparent, #081614); }
h1 { margin: -1.5rem 0 .5rem; position: relative; z-index: 1; font-size: clamp(2rem, 5vw, 3.2rem); font-weight: 700; line-height: 1.1; letter-spacing: -.03em; }
.lead { max-width: 40rem; margin-bottom: 2rem; font-size: 1.1rem; }
h2 { margin: 0 0 1rem; font-size: 1.2rem; letter-spacing: -.01em; }
p { margin: 0 0 1rem; }
.soft { color: var(--soft); }
a { color: var(--accent); }
.posters { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1.25rem; margin: 0 0 2.5rem; padding: 0; list-style: none; }
.posters img { display: block; width: 100%; height: auto; border-radius: .7rem; box-shadow: 0 10px 30px rgba(0, 0, 0, .45); transition: transform .25s; }
.posters li:hover img { transform: translateY(-6px); }
.posters b { display: block; margin-top: .7rem; font-weight: 600; line-height: 1.3; }
.posters span { color: var(--soft); font-size: .86rem; }
.panels { display: grid; grid-template-columns: 1fr 1fr; gap: 1.25rem; }
.panel { min-width: 0; padding: 1.5rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--card); }
.panel > :last-child { margin-bottom: 0; }
audio { width: 100%; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; margin: 0; }
dt { color: var(--soft); }
dd { min-width: 0; margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.big { font-size: 2.6rem; font-weight: 650; line-height: 1.1; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
label { display: block; margin-bottom: .5rem; }
input, button { max-width: 100%; font: inherit; }
input::file-selector-button, button { margin-right: .9rem; padding: .6rem 1.1rem; border: 1px solid var(--line); border-radius: .6rem; background: #17332f; color: var(--ink); font: inherit; font-weight: 600; cursor: pointer; }
button { margin: .9rem 0 1rem; border-color: transparent; background: var(--accent); color: #06251f; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
@media (max-width: 56rem) {
  .hero img { height: 40vh; }
  .posters { grid-template-columns: 1fr 1fr; }
  .panels { grid-template-columns: 1fr; }
}
`;

const SCRIPT = `
const $ = (id) => document.getElementById(id);

fetch('/visitor').then((answer) => answer.json()).then((visitor) => {
  $('address').textContent = visitor.address;
  $('protocol').textContent = visitor.protocol.toUpperCase() + (visitor.protocol === 'https' ? ', encrypted' : ', not encrypted');
  $('host').textContent = visitor.host;
  $('way').textContent = visitor.throughGateway ? 'through the gateway' : 'directly, past any gateway';
});

const clock = new EventSource('/clock');
clock.onmessage = (event) => {
  const tick = JSON.parse(event.data);
  $('time').textContent = tick.time;
  $('ticks').textContent = 'Connection open for ' + tick.seconds + ' s. The server pushes each tick; nothing is polled.';
};
clock.onerror = () => { $('ticks').textContent = 'The connection is broken; the browser tries again.'; };

$('upload').addEventListener('submit', async (event) => {
  event.preventDefault();
  const file = $('file').files[0];
  $('receipt').textContent = 'Sending…';
  try {
    const answer = await fetch('/upload', { method: 'POST', body: file });
    const receipt = await answer.json();
    $('receipt').textContent = receipt.bytes.toLocaleString() + ' bytes arrived, SHA-256 ' + receipt.sha256;
  } catch {
    $('receipt').textContent = 'The upload did not get through.';
  }
});
`;

const posters = POSTERS.map(
  ({ slug, title, note }) =>
    `<li><img src="/posters/${slug}.svg" alt="" width="300" height="450" loading="lazy"><b>${title}</b><span>${note}</span></li>`,
);

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing from elsewhere, nothing inline but what is in this file. */
export const LIBRARY_PAGE_POLICY = `default-src 'none'; img-src 'self' data:; media-src 'self'; connect-src 'self'; style-src ${sha256(STYLE)}; script-src ${sha256(SCRIPT)}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;

export const LIBRARY_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Sample library</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<div class="hero"><img src="/film.svg" alt="A boat is lifted through a canal lock at dusk."></div>
<main>
<h1>Sample library</h1>
<p class="lead">You are looking at the media server that lockgate brings along to show itself. Everything on this page came through the gateway.</p>
<ul class="posters">
${posters.join('\n')}
</ul>
<div class="panels">
<section class="panel" aria-labelledby="came"><h2 id="came">How you came here</h2>
<dl><dt>Your address</dt><dd id="address">…</dd><dt>Protocol</dt><dd id="protocol">…</dd><dt>Asked for</dt><dd id="host">…</dd><dt>Way</dt><dd id="way">…</dd></dl></section>
<section class="panel" aria-labelledby="live"><h2 id="live">Live from the server</h2>
<p class="big" id="time" role="timer">--:--:--</p>
<p class="soft" id="ticks">Waiting for the first tick.</p></section>
<section class="panel" aria-labelledby="music"><h2 id="music">A minute by the water</h2>
<p class="soft">Jump to any place: the player asks for just that part of the file.</p>
<audio controls preload="metadata" src="/melody.wav" aria-labelledby="music"></audio></section>
<section class="panel" aria-labelledby="send"><h2 id="send">Send something</h2>
<form id="upload"><label for="file">Any file. It is counted and hashed, not kept.</label>
<input id="file" type="file" required><div><button>Upload</button></div></form>
<p class="soft" id="receipt" role="status">Nothing sent yet.</p></section>
</div>
<p class="soft"><br>The gateway has a page of its own: <a href="/.lockgate/">how it is doing</a>.</p>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
