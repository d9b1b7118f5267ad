/** Signing in with the household's PIN as a person does it: in a browser, with the keyboard alone, over TLS and plain HTTP. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Browser, browserIsInstalled } from '../support/browser.ts';
import { GuardedHome, type GuardedHomeOptions } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';

const VIEWER_TOKEN = 'viewer-token-1234567';
const PIN = '2468';
/** A folder for what the pages look like; unset: no pictures are taken. */
const PICTURES = process.env['LOCKGATE_PICTURES'];

interface Scene {
  guarded: GuardedHome;
  options: GuardedHomeOptions;
  browser: Browser;
  /** `https://…` and `http://…`, with the port. */
  origins: { secure: string; plain: string };
}

const test = suite<Scene>('PIN sign-in in a browser');

test.before(async (scene) => {
  const guarded = await GuardedHome.start({ tokens: [OWNER_TOKEN, VIEWER_TOKEN] });
  const hashed = await guarded.home.installation.command(['hash-pin'], `${PIN}\n`);
  const hash = /\$scrypt\$[^"\s]+/.exec(hashed.stdout)?.[0] ?? '';
  const options = { server: `token = "${VIEWER_TOKEN}"`, access: `pin_hash = "${hash}"\n` };
  await guarded.reload(options);
  const browser = await Browser.start({
    names: [guarded.home.name('127-0-0-1')],
    trusted: guarded.home.certificatePem,
  });
  await browser.send('Emulation.setFocusEmulationEnabled', { enabled: true });
  const origins = { secure: `https://${guarded.authority}`, plain: `http://127.0.0.1:${guarded.gateway.port}` };
  Object.assign(scene, { guarded, options, browser, origins });
});
test.before.each(async ({ browser }) => {
  await browser.send('Network.clearBrowserCookies');
});
test.after(async ({ guarded, browser }) => {
  await browser.close();
  await guarded.close();
});

async function picture(browser: Browser, name: string): Promise<void> {
  if (PICTURES !== undefined) await browser.screenshot(`${PICTURES}/signin-${name}.png`);
}

/** Types into the field for the PIN, on which the page puts the focus. */
async function type(browser: Browser, text: string): Promise<void> {
  await browser.shows('document.activeElement.id', 'pin');
  for (const key of text) await browser.press(key);
}

/** Walks with Tab until the focus is on a control that says `label`. */
async function focus(browser: Browser, label: string): Promise<void> {
  for (let step = 0; step < 30; step += 1) {
    const focused = await browser.evaluate<string>('document.activeElement.textContent.trim()');
    if (focused === label) return;
    await browser.press('Tab');
  }
  throw new Error(`Tab never comes to ${label}`);
}

/** The status of a request that a page of the gateway's own origin sends. */
function fetched(browser: Browser, path: string, init = '{}'): Promise<number> {
  return browser.evaluate(`fetch(${JSON.stringify(path)}, ${init}).then((answer) => answer.status)`);
}

for (const scheme of ['secure', 'plain'] as const) {
  test(`a person is led to the PIN, signs in, uses the server and signs out: ${scheme}`, async (scene) => {
    const { browser, origins, guarded } = scene;
    const origin = origins[scheme];
    await browser.open(`${origin}/library/sections`);
    await browser.says(/Sign in first/);
    await picture(browser, `${scheme}-refused`);
    await focus(browser, 'Sign in with a PIN');
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/PIN of this household/);
    await picture(browser, `${scheme}-form`);

    await type(browser, '0000');
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/That PIN is not right/);
    await picture(browser, `${scheme}-wrong`);
    await type(browser, PIN);
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/You are signed in/);
    await picture(browser, `${scheme}-in`);

    await focus(browser, 'Open the media server');
    await browser.navigating(() => browser.press('Enter'));
    assert.is(await browser.evaluate('document.title'), 'Plex');
    assert.is(await fetched(browser, '/library/sections'), 200);
    const seen = guarded.lastReached;
    assert.equal(seen.values('x-plex-token'), [VIEWER_TOKEN]);
    assert.equal(seen.values('cookie'), [], 'the server does not see the session');
    assert.is(await fetched(browser, '/library/metadata/1', '{ method: "DELETE" }'), 403);
    assert.is(await browser.evaluate('document.cookie'), '', 'no script can read the session');
    const greeting = `new Promise((resolve, reject) => {
      const socket = new WebSocket(location.origin.replace('http', 'ws') + '/:/websockets/notifications');
      socket.onmessage = ({ data }) => { socket.close(); resolve(data); };
      socket.onerror = reject;
    })`;
    assert.match(await browser.evaluate<string>(greeting), /NotificationContainer/);
    await browser.open(`${origin}/.lockgate/`);
    await browser.says(/Refused lately/);
    await picture(browser, `${scheme}-status`);

    await browser.open(`${origin}/.lockgate/signin`);
    await type(browser, PIN);
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/You are signed in/);
    await focus(browser, 'Sign out');
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/You are signed out/);
    await picture(browser, `${scheme}-out`);
    await browser.open(`${origin}/web/index.html`);
    assert.is(await fetched(browser, '/library/sections'), 401);
  });
}

test('a page of another origin can neither use the session nor sign anybody in', async (scene) => {
  const { browser, origins, guarded } = scene;
  await browser.open(`${origins.plain}/.lockgate/signin`);
  await type(browser, PIN);
  await browser.navigating(() => browser.press('Enter'));
  await browser.says(/You are signed in/);
  const reached = guarded.reached.length;
  await browser.open('data:text/html,<title>evil</title>');
  const outcomes = await browser.evaluate<string[]>(`Promise.all([
    fetch('${origins.plain}/library/sections', { mode: 'no-cors', credentials: 'include' }),
    fetch('${origins.plain}/:/scrobble?key=1', { mode: 'no-cors', credentials: 'include' }),
    fetch('${origins.plain}/.lockgate/signin', { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ pin: '${PIN}' }) }),
  ].map((asked) => asked.then(({ type }) => type, String)))`);
  assert.equal(outcomes.length, 3);
  const image = `new Promise((resolve) => {
    const picture = new Image();
    picture.onload = () => resolve('shown');
    picture.onerror = () => resolve('refused');
    picture.src = '${origins.plain}/photo/:/transcode?url=%2Flibrary%2Fmetadata%2F1%2Fthumb%2F1';
  })`;
  assert.is(await browser.evaluate(image), 'refused');
  assert.is(guarded.reached.length, reached, 'nothing of it came to the server');
});

test('a changed PIN ends every session', async (scene) => {
  const { browser, origins, guarded, options } = scene;
  await browser.open(`${origins.secure}/.lockgate/signin`);
  await type(browser, PIN);
  await browser.navigating(() => browser.press('Enter'));
  await browser.open(`${origins.secure}/web/index.html`);
  assert.is(await fetched(browser, '/library/sections'), 200);
  const other = await guarded.home.installation.command(['hash-pin'], '1357\n');
  const hash = /\$scrypt\$[^"\s]+/.exec(other.stdout)?.[0] ?? '';
  await guarded.reload({ ...options, access: `pin_hash = "${hash}"\n` });
  assert.is(await fetched(browser, '/library/sections'), 401);
  await guarded.reload(options);
});

if (browserIsInstalled) {
  test.run();
} else {
  const skipped = suite('PIN sign-in in a browser');
  skipped.skip('chromium is not installed');
  console.log('skipped: PIN sign-in in a browser: chromium is not installed');
  skipped.run();
}
