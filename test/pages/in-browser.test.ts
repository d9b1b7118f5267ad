import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RenderedPage } from '../../src/http/pages/layout.ts';
import { renderStatusPage } from '../../src/http/pages/status-page.ts';
import { Browser, browserIsInstalled } from '../support/browser.ts';
import { until } from '../support/until.ts';
import { SAMPLE_PAGES } from './samples.ts';

interface Post {
  readonly origin: string | undefined;
  readonly form: Record<string, string>;
}

const test = suite('pages in a browser');
const extraPages = new Map<string, RenderedPage>();
const posts: Post[] = [];
/** Streams that status pages have opened. */
const events: ServerResponse[] = [];
/** What the next ones wait for. */
let mayFollow = Promise.resolve();
const complaints: string[] = [];
let server: Server;
let origin: string;
let browser: Browser;

/** GET shows the sample of that name; the gateway's own form addresses keep their posts and show what is set in `afterPost`. */
let afterPost = '';

async function answer(request: IncomingMessage): Promise<RenderedPage | undefined> {
  const name = request.url?.slice(1) ?? '';
  if (request.method !== 'POST') return extraPages.get(name) ?? SAMPLE_PAGES[name];
  posts.push({ origin: request.headers.origin, form: Object.fromEntries(new URLSearchParams(await text(request))) });
  return SAMPLE_PAGES[afterPost];
}

test.before(async () => {
  server = createServer(async (request, response) => {
    if (request.url === '/.lockgate/events') {
      await mayFollow;
      events.push(response.writeHead(200, { 'Content-Type': 'text/event-stream' }));
      response.write('retry: 100\n\n');
      return;
    }
    const page = await answer(request);
    if (page === undefined) response.writeHead(404).end();
    else response.writeHead(200, page.headers).end(page.html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await Browser.start();
  browser.on('Log.entryAdded', ({ entry }) => {
    const { level, text: complaint } = entry as { level: string; text: string };
    if (level === 'error' || level === 'warning') complaints.push(complaint);
  });
  browser.on('Runtime.exceptionThrown', (event) => complaints.push(JSON.stringify(event)));
  await browser.send('Emulation.setFocusEmulationEnabled', { enabled: true });
});

test.before.each(() => {
  posts.length = 0;
  complaints.length = 0;
});

test.after(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});

const resize = (width: number, height: number) =>
  browser.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });

const prefer = (scheme: 'light' | 'dark') =>
  browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });

/** Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
const FAINT_TEXTS = `(() => {
  const parse = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => { const part = value / 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) { const { rgb, a } = parse(getComputedStyle(at).backgroundColor); if (a === 1) return rgb; }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || ['STYLE', 'SCRIPT'].includes(element.tagName)) continue;
    const [front, back] = [luminance(parse(getComputedStyle(element).color).rgb), luminance(behind(element))];
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (contrast < 4.5) faint.push(element.textContent.trim().slice(0, 30) + ' ' + contrast.toFixed(2));
  }
  return faint;
})()`;

/** Controls that a thumb would miss. */
const SMALL_CONTROLS = `Array.from(document.querySelectorAll('button, .button, input'))
  .filter((control) => control.checkVisibility() && control.offsetHeight < 48).length`;

/** Roles of the controls and pictures that a screen reader could not name. */
async function namelessControls(): Promise<string[]> {
  const { nodes } = (await browser.send('Accessibility.getFullAXTree')) as {
    nodes: { role?: { value: string }; name?: { value: string } }[];
  };
  const roles = nodes.filter(({ name }) => (name?.value ?? '') === '').map(({ role }) => role?.value ?? '');
  return roles.filter((role) => ['button', 'link', 'textbox', 'img'].includes(role));
}

test('every page shows without complaint of the browser, fits the narrowest phone, and can be read in light and dark, heard and touched', async () => {
  await resize(320, 640);
  const waiting = SAMPLE_PAGES['setup-waiting'] as RenderedPage;
  // Otherwise it goes on by itself while it is looked at.
  extraPages.set('setup-waiting', { ...waiting, html: waiting.html.replace(/<meta http-equiv="refresh"[^>]*>/, '') });
  for (const name of Object.keys(SAMPLE_PAGES).filter((page) => page !== 'status-name-test')) {
    await browser.open(`${origin}/${name}`);
    assert.ok(await browser.evaluate('document.documentElement.scrollWidth <= 320'), `${name} is too wide`);
    for (const scheme of ['light', 'dark'] as const) {
      await prefer(scheme);
      assert.equal(await browser.evaluate(FAINT_TEXTS), [], `${name} ${scheme}`);
    }
    assert.is(await browser.evaluate(SMALL_CONTROLS), 0, name);
    assert.equal(await namelessControls(), [], name);
  }
  assert.equal(complaints, []);
});

/** Resolves once the field has the focus: that comes a little after the page has loaded. */
const pinHasFocus = () =>
  browser.evaluate(`new Promise((resolve) => {
    const look = () => document.activeElement.id === 'pin' ? resolve() : setTimeout(look, 10);
    look();
  })`);

test('a keyboard signs in: the field has the focus, Enter sends it, with the page’s own Origin', async () => {
  await resize(1280, 720);
  afterPost = 'signin-wrong-pin';
  await browser.open(`${origin}/signin-ready`);
  await pinHasFocus();
  for (const key of '4711') await browser.press(key);
  await browser.navigating(() => browser.press('Enter'));
  assert.equal(posts, [{ origin, form: { pin: '4711' } }]);
  await pinHasFocus();
  assert.equal(complaints, []);
});

for (const [device, width, height] of [
  ['television', 1280, 720],
  ['phone', 390, 844],
] as const) {
  test(`a remote signs in with arrows and OK alone, in the layout of a ${device}`, async () => {
    await resize(width, height);
    afterPost = 'signin-signed-in';
    await browser.open(`${origin}/signin-ready`);
    await pinHasFocus();
    const focused = () => browser.evaluate<string>('document.activeElement.textContent || document.activeElement.id');
    const walkTo = async (goal: string, ...keys: string[]) => {
      for (const key of keys) await browser.press(key);
      assert.is(await focused(), goal, keys.join(' '));
    };
    if (device === 'television') await walkTo('4', 'ArrowRight');
    else await walkTo('5', 'ArrowDown', 'ArrowDown');
    await walkTo(device === 'television' ? '5' : '6', 'ArrowRight');
    await browser.press('Enter');
    await walkTo(device === 'television' ? '2' : '3', 'ArrowUp');
    await browser.press('Enter');
    const typed = await browser.evaluate<string>('document.getElementById("pin").value');
    assert.is(typed, device === 'television' ? '52' : '63');
    const back =
      device === 'television'
        ? ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowLeft', 'ArrowLeft']
        : Array(5).fill('ArrowDown');
    await walkTo('Sign in', ...back);
    await browser.navigating(() => browser.press('Enter'));
    assert.equal(posts, [{ origin, form: { pin: typed } }]);
  });
}

test('arrows move within what is typed first, and leave the field at its end', async () => {
  await resize(1280, 720);
  await browser.open(`${origin}/signin-ready`);
  await pinHasFocus();
  for (const key of '47') await browser.press(key);
  await browser.evaluate('document.getElementById("pin").setSelectionRange(1, 1)');
  await browser.press('ArrowRight');
  assert.is(await browser.evaluate('document.activeElement.id'), 'pin');
  await browser.evaluate('document.getElementById("pin").setSelectionRange(2, 2)');
  await browser.press('ArrowRight');
  assert.is(await browser.evaluate('document.activeElement.textContent'), '4');
});

test('the keypad deletes, clears, and says how much was entered', async () => {
  await browser.open(`${origin}/signin-ready`);
  const tap = (key: string) =>
    browser.evaluate(
      `Array.from(document.querySelectorAll('.keypad button')).find((button) => button.textContent === '${key}').click()`,
    );
  const value = () => browser.evaluate<string>('document.getElementById("pin").value');
  for (const key of ['1', '2', '0', 'Delete', '9']) await tap(key);
  assert.is(await value(), '129');
  assert.is(await browser.evaluate('document.querySelector("output").textContent'), '3 entered');
  await tap('Clear');
  assert.is(await value(), '');
});

test('without a script the sign-in form is still there, and the keypad is not', async () => {
  await browser.send('Emulation.setScriptExecutionDisabled', { value: true });
  await browser.open(`${origin}/signin-ready`);
  await browser.send('Emulation.setScriptExecutionDisabled', { value: false });
  assert.equal(
    await browser.evaluate(
      `['.keypad', '#pin', '[type=submit]'].map((selector) => document.querySelector(selector).checkVisibility())`,
    ),
    [false, true, true],
  );
});

test('signing out posts the word for it', async () => {
  afterPost = 'signin-signed-out';
  await browser.open(`${origin}/signin-signed-in`);
  await browser.navigating(() => browser.evaluate('document.querySelector("form button").click()'));
  assert.equal(posts, [{ origin, form: { action: 'sign-out' } }]);
});

const fillCode = (code: string) => browser.evaluate(`document.getElementById('code').value = '${code}'`);
const submit = () => browser.navigating(() => browser.evaluate('document.querySelector("form button").click()'));
const keyFieldIsShown = () => browser.evaluate<boolean>('document.getElementById("key-field").checkVisibility()');

test('the set-up page takes the key from the link, and still has it for a second try', async () => {
  afterPost = 'setup-rejected-code';
  await browser.open(`${origin}/setup-ready#Zm9v-_YmFy`);
  assert.not.ok(await keyFieldIsShown());
  for (const code of ['claim-first', 'claim-second']) {
    await fillCode(code);
    await submit();
  }
  assert.equal(posts, [
    { origin, form: { key: 'Zm9v-_YmFy', code: 'claim-first' } },
    { origin, form: { key: 'Zm9v-_YmFy', code: 'claim-second' } },
  ]);
  assert.equal(complaints, []);
});

test('the set-up page asks for the key when the link brought none', async () => {
  await browser.open(`${origin}/setup-ready`);
  assert.ok(await keyFieldIsShown());
});

test('the waiting page asks again by itself, with GET', async () => {
  extraPages.set('.lockgate/setup', SAMPLE_PAGES['setup-waiting'] as RenderedPage);
  afterPost = 'setup-waiting';
  await browser.open(`${origin}/setup-unreachable#Zm9v`);
  await fillCode('claim-it');
  await submit();
  await browser.says(/One moment/);
  extraPages.set('.lockgate/setup', SAMPLE_PAGES['setup-done'] as RenderedPage);
  await browser.says(/is yours/);
  assert.is(posts.length, 1);
});

async function outcomeOfNameTest(testedOrigin: string): Promise<string> {
  const asker = { address: '192.168.1.42', place: 'lan', rule: 'default', meaning: '' } as const;
  extraPages.set(
    'name-test',
    renderStatusPage(
      { scope: 'lights', lights: [] },
      {
        asker,
        asOf: '12:03:04',
        nameTest: { origin: testedOrigin, snippets: [{ router: 'OpenWrt', text: 'uci add_list x' }] },
      },
    ),
  );
  await browser.open(`${origin}/name-test`);
  return browser.evaluate(`new Promise((resolve) => {
    const shown = () => Array.from(document.querySelectorAll('[data-outcome]')).find((light) => !light.hidden).dataset.outcome;
    // The page changes for other reasons, too.
    const look = () => shown() !== 'trying' && resolve(shown());
    new MutationObserver(look).observe(document.body, { subtree: true, attributes: true });
    look();
  })`);
}

test('the status page tries the server’s name from the visitor’s own device', async () => {
  const other = createServer((_request, response) => response.end('ok'))
    .listen(0, '127.0.0.1')
    .unref();
  await once(other, 'listening');
  const otherOrigin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  assert.is(await outcomeOfNameTest(otherOrigin), 'found');
  other.closeAllConnections();
  other.close();
  await once(other, 'close');
  assert.is(await outcomeOfNameTest(otherOrigin), 'lost');
  assert.is(await outcomeOfNameTest('https://192-168-1-2.hidden.invalid:32400'), 'lost');
  assert.match(await browser.text(), /drops private answers[\s\S]*Paste this[\s\S]*OpenWrt/);
});

const says = (parts: object) => events.at(-1)?.write(`data: ${JSON.stringify(parts)}\n\n`);

test('the status page is kept up to date, says when it is not, and takes up again', async () => {
  await browser.open(`${origin}/status-everything`);
  await browser.says(/Kept up to date/);
  says({ scope: 'everything', title: 'Other', clients: '<p>Nobody, now.</p>', nothing: '<p>Not a part.</p>' });
  await browser.says(/Nobody, now/);
  assert.is(await browser.evaluate('document.title'), 'Other');
  const again = Promise.withResolvers<void>();
  mayFollow = again.promise;
  events.at(-1)?.destroy();
  await browser.says(/not heard any more/);
  again.resolve();
  await browser.says(/Kept up to date/);
  says({ scope: 'lights', headline: 'Never shown' });
  await browser.says(/What you may see has changed/);
  assert.not.match(await browser.text(), 'Never shown');
});

test('hostile HTML in an event runs nothing', async () => {
  await browser.open(`${origin}/status-lights`);
  await browser.says(/Kept up to date/);
  says({ scope: 'lights', headline: '<p>hit</p><img src=x onerror="window.hit = 1"><script>window.hit = 2</script>' });
  await browser.says(/hit/);
  await until(() => complaints.some((complaint) => complaint.includes('Content Security Policy')), 'a complaint');
  assert.is(await browser.evaluate('window.hit'), undefined);
});

test('without scripts the status page says how old it is, and the test of the name is done by hand', async () => {
  await browser.send('Emulation.setScriptExecutionDisabled', { value: true });
  await browser.open(`${origin}/status-name-test`);
  const { root } = (await browser.send('DOM.getDocument', { depth: -1 })) as { root: { nodeId: number } };
  assert.ok(root);
  await browser.send('Emulation.setScriptExecutionDisabled', { value: false });
  assert.match(await browser.text(), /As of 12:03:04\. Load again/);
  assert.match(await browser.text(), /Open this address/);
});

if (browserIsInstalled) {
  test.run();
} else {
  const skipped = suite('pages in a browser');
  skipped.skip('chromium is not installed');
  console.log('skipped: the pages in a browser: chromium is not installed');
  skipped.run();
}
