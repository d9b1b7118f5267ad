/** Claiming the server without a screen, as a person does it: the set-up file is opened, the code typed, and the file is gone. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Browser, browserIsInstalled } from '../support/browser.ts';
import { GuardedHome, type GuardedHomeOptions, OUTSIDER, OWN_TOKEN } from '../support/guarded-home.ts';

const CODE = 'claim-abcdefgh12345678';
/** A folder for what the pages look like; unset: no pictures are taken. */
const PICTURES = process.env['LOCKGATE_PICTURES'];

interface Scene {
  browser: Browser;
  guarded: GuardedHome;
}

const test = suite<Scene>('claiming in a browser');

test.before(async (scene) => {
  scene.browser = await Browser.start();
  await scene.browser.send('Emulation.setFocusEmulationEnabled', { enabled: true });
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});
test.after(async ({ browser }) => {
  await browser.close();
});

async function unclaimed(scene: Scene, options: GuardedHomeOptions = {}): Promise<string> {
  scene.guarded = await GuardedHome.start({ claimed: false, isUnclaimed: true, ...options });
  scene.guarded.plex.claimCodes.add(CODE);
  const said = await scene.guarded.gateway.line((line) => /set-up file/.test(String(line['message'])));
  return String(said['file']);
}

async function picture(browser: Browser, name: string): Promise<void> {
  if (PICTURES !== undefined) await browser.screenshot(`${PICTURES}/claim-${name}.png`);
}

/** Types into the field for the code, on which the page puts the focus. */
async function type(browser: Browser, text: string): Promise<void> {
  await browser.shows('document.activeElement.id', 'code');
  for (const key of text) await browser.press(key);
}

/** Opens the file as a double click does, and waits for the page that it leads to. */
async function openFile(browser: Browser, file: string): Promise<void> {
  await browser.open(pathToFileURL(file).href);
  await browser.says(/Make Films & Series yours/);
}

for (const secureConnections of ['preferred', 'required']) {
  test(`the file leads to the page, the code to a claimed server, and the file goes: ${secureConnections}`, async (scene) => {
    const file = await unclaimed(scene, { listen: `secure_connections = "${secureConnections}"` });
    const { browser, guarded } = scene;
    await openFile(browser, file);
    await picture(browser, 'form');
    await browser.shows('document.activeElement.name', 'code');
    await browser.shows('document.getElementById("key-field").checkVisibility()', false);

    await type(browser, 'claim-tooold12345');
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/The code was not accepted/);
    await picture(browser, 'old-code');
    assert.is(guarded.plex.claimed, false);

    await type(browser, CODE);
    await browser.navigating(() => browser.press('Enter'));
    await browser.says(/Films & Series is yours/);
    await picture(browser, 'done');
    assert.is(guarded.plex.claimed, true);
    while (existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.is((await guarded.ask(OUTSIDER, '/library/sections', ...OWN_TOKEN)).status, 200);
    const requests = guarded.gateway.lines.map((line) => JSON.stringify(line)).join();
    assert.not.match(requests, CODE);
  });
}

test('an old file, or one of before a restart, says what to do', async (scene) => {
  const file = await unclaimed(scene);
  const { browser, guarded } = scene;
  const copy = join(guarded.home.installation.folder, 'copy.html');
  writeFileSync(copy, readFileSync(file));
  assert.is((await guarded.home.installation.command(['setup'])).status, 0);
  await openFile(browser, copy);
  await type(browser, CODE);
  await browser.navigating(() => browser.press('Enter'));
  await browser.says(/not, or no longer, valid.*lockgate setup/);
  await picture(browser, 'wrong-key');
  assert.is(guarded.plex.claimed, false);
});

test('a page of another origin cannot claim, even with the key', async (scene) => {
  const file = await unclaimed(scene);
  const { browser, guarded } = scene;
  const [, key = ''] = /href="[^"#]+#([^"]+)"/.exec(readFileSync(file, 'utf8')) ?? [];
  await browser.open('data:text/html,<title>evil</title>');
  const form = `new URLSearchParams({ key: '${key}', code: '${CODE}' })`;
  const url = `http://127.0.0.1:${guarded.gateway.port}/.lockgate/setup`;
  await browser.evaluate(`fetch('${url}', { method: 'POST', mode: 'no-cors', body: ${form} }).catch(String)`);
  await browser.evaluate(`(() => {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: '${url}' });
    for (const [name, value] of ${form}) form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    form.submit();
  })()`);
  await browser.says(/not sent from its own page|Another web page asked for this/);
  await picture(browser, 'foreign');
  assert.is(guarded.plex.claimed, false);
});

if (browserIsInstalled) {
  test.run();
} else {
  const skipped = suite('claiming in a browser');
  skipped.skip('chromium is not installed');
  console.log('skipped: claiming in a browser: chromium is not installed');
  skipped.run();
}
