/** The stylesheet of every page, sent inline. Plain enough for the browsers of old televisions: no nesting, no `:has`, grid instead of flex gaps. */

const COLOURS = `
:root {
  color-scheme: light dark;
  --page: #eef3f2; --glow: #d9ebe7; --card: #fff; --field: #f7faf9; --line: #d5dfdd;
  --text: #13211f; --soft: #516562; --accent: #0c6b5e; --accent-strong: #084f45; --on-accent: #fff;
  --good: #13773f; --attention: #8a5800; --fault: #b3261e; --unknown: #5a6b68;
  --good-tint: #e2f4e8; --attention-tint: #fbf0d9; --fault-tint: #fce8e6; --unknown-tint: #e9efee;
  --shadow: 0 1px 2px rgba(9, 40, 35, .06), 0 12px 40px rgba(9, 40, 35, .09);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0b1312; --glow: #12302b; --card: #141e1d; --field: #0f1817; --line: #2a3937;
    --text: #e7f0ee; --soft: #9fb3af; --accent: #6fd6c3; --accent-strong: #9be6d8; --on-accent: #06251f;
    --good: #6cd593; --attention: #f0bd5b; --fault: #ff9b92; --unknown: #a3b5b2;
    --good-tint: #12301f; --attention-tint: #352810; --fault-tint: #3b1a18; --unknown-tint: #202c2a;
    --shadow: 0 1px 2px rgba(0, 0, 0, .4), 0 16px 48px rgba(0, 0, 0, .35);
  }
}
.good { color: var(--good); --tint: var(--good-tint); }
.attention { color: var(--attention); --tint: var(--attention-tint); }
.fault { color: var(--fault); --tint: var(--fault-tint); }
.unknown { color: var(--unknown); --tint: var(--unknown-tint); }
`;

const DOCUMENT = `
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font-size: 16px; font-size: clamp(16px, 14px + .2vw, 19px); -webkit-text-size-adjust: 100%; }
body {
  display: flex; flex-direction: column; min-height: 100vh; margin: 0;
  background: var(--page) radial-gradient(60rem 30rem at 50% -8rem, var(--glow), transparent) no-repeat;
  color: var(--text); overflow-wrap: break-word;
  font: 400 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
}
header, main, footer { width: 100%; max-width: 64rem; margin: 0 auto; padding: 0 1.25rem; }
.narrow header, .narrow main, .narrow footer { max-width: 33rem; }
.pin header, .pin main, .pin footer { max-width: 50rem; }
header { display: flex; align-items: center; padding-top: 1.5rem; padding-bottom: 1.5rem; color: var(--accent); font-size: 1.15rem; font-weight: 650; letter-spacing: -.01em; }
@media (min-width: 46rem) { .narrow header, .pin header { padding-top: 8vh; } }
.logo { width: 1.9rem; height: 1.9rem; margin-right: .55rem; }
footer { margin-top: auto; padding-top: 2rem; padding-bottom: 1.5rem; color: var(--soft); font-size: .85rem; }
h1 { margin: 0 0 .5rem; font-size: 1.7rem; font-weight: 680; line-height: 1.2; letter-spacing: -.02em; text-wrap: balance; }
h2 { margin: 0 0 1rem; font-size: 1.1rem; font-weight: 650; line-height: 1.3; letter-spacing: -.01em; }
p { margin: 0 0 1rem; }
p:last-child { margin-bottom: 0; }
h1 + .soft { margin-bottom: 1.25rem; }
.soft { color: var(--soft); }
a { color: var(--accent); text-underline-offset: .18em; }
a:hover { color: var(--accent-strong); }
code { padding: .1em .35em; border-radius: .35em; background: var(--unknown-tint); font: 500 .9em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; unicode-bidi: isolate; overflow-wrap: anywhere; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

const CARDS = `
.card { padding: 2rem; border: 1px solid var(--line); border-radius: 1.1rem; background: var(--card); box-shadow: var(--shadow); }
.badge { display: grid; place-items: center; width: 3.25rem; height: 3.25rem; margin-bottom: 1.1rem; border-radius: 50%; background: var(--tint); }
.badge svg { width: 2rem; height: 2rem; }
.turning svg { animation: turn 1.6s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
p.note { margin: 0 0 1.25rem; padding: .8rem 1rem; border-radius: .7rem; background: var(--tint); font-weight: 550; }
.reason { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; margin-top: 1.75rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
.actions { margin-top: 1.5rem; }
@media (max-width: 46rem) { .card { padding: 1.4rem; } h1 { font-size: 1.5rem; } }
@media (prefers-reduced-motion: reduce) { .turning svg { animation: none; } }
@media (forced-colors: active) { .badge, .mark { border: 1px solid; } }
`;

const FORMS = `
label { display: block; margin-bottom: .4rem; font-weight: 600; }
.field { margin-bottom: 1.25rem; }
.hint { margin: .4rem 0 0; color: var(--soft); font-size: .9rem; }
input { display: block; width: 100%; min-height: 3.4rem; padding: .6rem 1rem; border: 1.5px solid var(--soft); border-radius: .75rem; background: var(--field); color: inherit; font: inherit; font-size: 1.15rem; }
input::placeholder { color: var(--soft); opacity: 1; }
input[aria-invalid] { border-color: var(--fault); }
button, .button { display: inline-block; min-height: 3.4rem; padding: .8rem 1.6rem; border: 1.5px solid transparent; border-radius: .75rem; background: var(--accent); color: var(--on-accent); font: inherit; font-size: 1.06rem; font-weight: 650; line-height: 1.6; text-align: center; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { background: var(--accent-strong); color: var(--on-accent); }
.wide-button { display: block; width: 100%; }
.quiet, .keypad button { border-color: var(--line); background: var(--field); color: var(--text); }
.quiet:hover, .keypad button:hover { border-color: var(--accent); background: var(--field); color: var(--text); }
a:focus, button:focus, input:focus, summary:focus { outline: 3px solid var(--accent); outline-offset: 3px; }
a:focus:not(:focus-visible), button:focus:not(:focus-visible), summary:focus:not(:focus-visible) { outline: none; }
.pin input { font-size: 1.6rem; letter-spacing: .35em; text-align: center; }
.keypad { display: grid; grid-template-columns: repeat(3, 1fr); grid-gap: .7rem; margin-bottom: 1.25rem; }
.keypad button { min-height: 3.9rem; padding: .4rem; font-size: 1.45rem; }
.keypad .word { font-size: 1rem; }
@media (min-width: 46rem) {
  .pin form { display: grid; grid-template-columns: 1fr 1fr; grid-template-rows: auto auto 1fr; grid-gap: 0 2.5rem; }
  .pin form > * { grid-column: 1; align-self: start; }
  .pin .keypad { grid-column: 2; grid-row: 1 / 4; align-self: stretch; grid-auto-rows: 1fr; margin: 0; }
}
.steps { margin: 0 0 1.5rem; padding: 0; list-style: none; counter-reset: step; }
.steps li { position: relative; margin-bottom: .9rem; padding-left: 2.6rem; counter-increment: step; }
.steps li::before { content: counter(step); position: absolute; left: 0; top: -.1rem; width: 1.8rem; height: 1.8rem; border-radius: 50%; background: var(--good-tint); color: var(--accent); font-weight: 700; line-height: 1.8rem; text-align: center; }
`;

const STATUS = `
.top { display: grid; grid-template-columns: auto 1fr; align-items: center; grid-gap: 1.25rem; margin-bottom: 1.75rem; }
.top .badge, .top h1 { margin: 0; }
.lights { display: grid; grid-template-columns: minmax(0, 1fr); grid-gap: 1rem; margin: 0 0 1.25rem; padding: 0; list-style: none; }
.light, .panel { border: 1px solid var(--line); border-radius: .9rem; background: var(--card); }
.light { display: grid; grid-template-columns: auto minmax(0, 1fr); grid-gap: .9rem; height: 100%; padding: 1.1rem 1.2rem; }
.light h2 { margin: 0; font-size: 1rem; }
.light p { margin: .15rem 0 0; font-size: .94rem; line-height: 1.45; }
.mark { display: grid; place-items: center; width: 2.3rem; height: 2.3rem; border-radius: 50%; background: var(--tint); }
.mark svg { width: 1.45rem; height: 1.45rem; }
.live { display: flex; margin: -.75rem 0 1.25rem; font-size: .9rem; }
.pulse { display: inline-block; width: .6em; height: .6em; margin-right: .5em; border-radius: 50%; background: currentColor; }
.name-test { margin-bottom: 1.25rem; }
.more { grid-column: 2; min-width: 0; }
.light .more code { overflow-wrap: anywhere; }
pre { max-height: 20rem; margin: .25rem 0 .75rem; padding: .8rem 1rem; overflow: auto; border: 1px solid var(--line); border-radius: .6rem; background: var(--field); }
pre code { padding: 0; background: none; overflow-wrap: normal; white-space: pre; }
.panel { margin-bottom: 1.25rem; padding: 1.5rem 1.6rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; grid-gap: .5rem 1.5rem; margin: 0; }
.facts dt { color: var(--soft); }
.facts dd { min-width: 0; margin: 0; }
table { width: 100%; border-collapse: collapse; font-size: .94rem; }
th { padding: 0 1.25rem .5rem 0; color: var(--soft); font-size: .85rem; font-weight: 600; text-align: left; }
td { padding: .7rem 1.25rem .7rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
tr:last-child td { padding-bottom: 0; }
@media (min-width: 46rem) {
  .lights { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  td:first-child code { white-space: nowrap; }
  .lights li:last-child:nth-child(odd) { grid-column: 1 / -1; }
}
@media (max-width: 46rem) {
  .panel { padding: 1.2rem; }
  .facts { grid-template-columns: 1fr; grid-gap: 0; }
  .facts dd { margin-bottom: .8rem; }
  table, tbody, tr, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: .9rem 0; border-top: 1px solid var(--line); }
  tbody tr:first-child { padding-top: 0; border: 0; }
  tr:last-child { padding-bottom: 0; }
  td { padding: .25rem 0; border: 0; }
  td::before { content: attr(data-label); display: block; color: var(--soft); font-size: .82rem; }
}
`;

const TRUST = `
.trust { display: grid; grid-gap: 0 1.25rem; }
.by-camera { display: none; text-align: center; }
.qr { display: block; width: 100%; max-width: 15rem; margin: 0 auto 1rem; border-radius: .6rem; }
.downloads { margin-bottom: .5rem; }
.downloads .button { min-height: 3rem; margin: 0 .5rem .7rem 0; padding: .6rem 1.1rem; font-size: 1rem; }
.fingerprint { display: inline-block; }
details { border-top: 1px solid var(--line); }
details:last-of-type { border-bottom: 1px solid var(--line); }
summary { min-height: 3rem; padding: .75rem .25rem; font-weight: 600; cursor: pointer; }
details[open] { padding-bottom: 1rem; }
details .steps { margin: .25rem 0 .75rem; }
@media (min-width: 46rem) {
  .trust { grid-template-columns: 20rem 1fr; }
  .by-camera { display: block; }
  .by-camera:last-child, .panel:only-child { grid-column: 1 / -1; }
}
`;

/** All rules; a constant, so that its hash in the Content-Security-Policy is one too. */
export const STYLE = COLOURS + DOCUMENT + CARDS + FORMS + STATUS + TRUST;
