/** The trust page: a code that scanners read, the right steps unfolded, every link one that the gateway answers. */
import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gatewayPathOf } from '../../src/access/gateway-page.ts';
import { qrCode } from '../../src/http/pages/qr-code.ts';
import { deviceOf, INSTRUCTIONS } from '../../src/http/pages/trust-steps.ts';
import { SAMPLE_PAGES } from './samples.ts';

/** A decoder that knows nothing of the encoder. Its types fit only the module system that it does not use. */
type Decode = (pixels: Uint8ClampedArray, width: number, height: number) => { readonly data: string } | null;
const decode = createRequire(import.meta.url)('jsqr') as Decode;

const PIXELS_PER_MODULE = 4;

/** What a scanner reads in the code of a page: its rectangles painted in black on white. */
function scan(page = ''): string | undefined {
  const svg = page.slice(page.indexOf('<svg class="qr"'));
  const modules = Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1]);
  const width = modules * PIXELS_PER_MODULE;
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255);
  const paint = (x: number, y: number) => {
    for (let pixel = 0; pixel < PIXELS_PER_MODULE ** 2; pixel++) {
      const row = y * PIXELS_PER_MODULE + Math.floor(pixel / PIXELS_PER_MODULE);
      pixels.fill(
        0,
        4 * (row * width + x * PIXELS_PER_MODULE + (pixel % PIXELS_PER_MODULE)),
        4 * (row * width + x * PIXELS_PER_MODULE + (pixel % PIXELS_PER_MODULE)) + 3,
      );
    }
  };
  const black = /fill="#000" d="([^"]+)"/.exec(svg)?.[1] ?? '';
  for (const [, x, y, length] of black.matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/g)) {
    for (let step = 0; step < Number(length); step++) paint(Number(x) + step, Number(y));
  }
  return decode(pixels, width, width)?.data;
}

const test = suite('trust page');

test('its code is read by a scanner, for IPv4 and IPv6', () => {
  for (const url of [
    'http://192.168.1.2:32443/.lockgate/trust',
    'http://[fd12:3456:789a:1::2]:32443/.lockgate/trust',
  ]) {
    assert.is(scan(qrCode(url, 'code').text), url);
  }
});

test('the code on the page leads to the page, and is left out where the gateway does not know its address', () => {
  assert.is(scan(SAMPLE_PAGES['trust-plain']?.html), 'http://192.168.1.2:32443/.lockgate/trust');
  assert.not.match(SAMPLE_PAGES['trust-tv']?.html ?? '', '<svg class="qr"');
});

test('every link to a file is one that the gateway answers', () => {
  const links = [...(SAMPLE_PAGES['trust-plain']?.html ?? '').matchAll(/href="(\/[^"]*)"/g)].map(
    ([, path]) => path ?? '',
  );
  assert.ok(links.length > 5);
  for (const path of links) assert.is(gatewayPathOf(path), 'trust', path);
});

test('the steps of the visitor’s device are unfolded, and only those', () => {
  const open = (name: string) =>
    [...(SAMPLE_PAGES[name]?.html ?? '').matchAll(/<details open><summary>([^<]+)/g)].map(([, title]) => title);
  assert.equal(open('trust-plain'), []);
  assert.equal(open('trust-ios'), ['iPhone, iPad']);
  assert.equal(open('trust-tv'), ['Other televisions, sticks, consoles, speakers']);
});

test('devices are told apart by what their browsers say', () => {
  const agents: Readonly<Record<string, string | undefined>> = {
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1':
      'ios',
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36': 'android',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36': 'windows',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15': 'macos',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36': 'linux',
    'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0': 'firefox',
    'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36': 'tv',
    'Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/94.0 Safari/537.36': 'tv',
    'curl/8.0': undefined,
  };
  for (const [agent, device] of Object.entries(agents)) assert.is(deviceOf(agent), device, agent);
  assert.is(deviceOf(undefined), undefined);
});

test('what cannot be done is said', () => {
  const tv = INSTRUCTIONS.find(({ device }) => device === 'tv');
  assert.equal(tv?.steps, []);
  assert.match(tv?.note?.text ?? '', 'cannot be taught');
});

test.run();
