/** A headless Chromium over its debugging pipe: just enough to open a page, ask it things and press keys. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const PROGRAM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-proxy-server',
  '--remote-debugging-pipe',
];
/** Nothing but loopback can be named. */
const NO_OTHER_HOST = ['MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'];

/** Much more than a page takes, also where the browser gets little of the processor. */
const PATIENCE_MS = 20_000;
const LOOK_INTERVAL_MS = 20;

type Json = Record<string, unknown>;
type Listener = (params: Json) => void;

interface Frame {
  readonly id: string;
  /** Another one for each page that is loaded into the frame. */
  readonly loaderId: string;
}

/** False where Chromium is not installed: the test then says that it was skipped. */
export const browserIsInstalled = existsSync(PROGRAM);

export interface BrowserOptions {
  /** Names that lead to 127.0.0.1. */
  readonly names?: readonly string[];
  /** A certificate (PEM) that is trusted like one of a public authority. */
  readonly trusted?: string;
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #replies = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Set<{ method: string; listener: Listener }>();
  #lastId = 0;
  #session: string | undefined;
  #unread = '';

  private constructor(process: ChildProcess, profile: string) {
    this.#process = process;
    this.#profile = profile;
    const output = process.stdio[4] as Readable;
    output.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
  }

  /** Starts the browser with one empty tab. */
  static async start(options: BrowserOptions = {}): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), 'lockgate-browser-'));
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
    const flags = [...FLAGS, ...flagsFor(options), `--user-data-dir=${profile}`];
    const process = spawn(PROGRAM, [...flags, 'about:blank'], { stdio: [...stdio] });
    const browser = new Browser(process, profile);
    const targetId = await browser.#tab();
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility']) await browser.send(`${domain}.enable`);
    await browser.send('Page.setLifecycleEventsEnabled', { enabled: true });
    return browser;
  }

  /** The one tab, which may come a little after the browser. */
  async #tab(): Promise<string> {
    const look = async () => {
      const { targetInfos } = (await this.send('Target.getTargets')) as {
        targetInfos: { type: string; targetId: string }[];
      };
      return targetInfos.find(({ type }) => type === 'page')?.targetId ?? '';
    };
    return this.#until(look, (targetId) => targetId !== '', 'came');
  }

  /** One command of the DevTools protocol. */
  send(method: string, params: Json = {}): Promise<Json> {
    const id = ++this.#lastId;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => this.#replies.set(id, { resolve, reject }));
  }

  /** Calls `listener` at each event until the returned function is called. */
  on(method: string, listener: Listener): () => void {
    const entry = { method, listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** Runs `act` and waits until the page that it leads to has loaded. */
  async navigating(act: () => Promise<unknown>): Promise<void> {
    const { frameTree } = (await this.send('Page.getFrameTree')) as { frameTree: { frame: Frame } };
    const former = frameTree.frame;
    const loaded = new Promise<void>((resolve) => {
      const stop = this.on('Page.lifecycleEvent', ({ name, frameId, loaderId }) => {
        // The page that is left may still be loading.
        if (name !== 'load' || frameId !== former.id || loaderId === former.loaderId) return;
        stop();
        resolve();
      });
    });
    await act();
    await loaded;
  }

  open(url: string): Promise<void> {
    return this.navigating(() => this.send('Page.navigate', { url }));
  }

  /** The value of an expression in the page; promises are awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
    return (answer.result as { value: T }).value;
  }

  async press(key: string): Promise<void> {
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
    const code = key === 'Enter' ? { windowsVirtualKeyCode: 13 } : {};
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, ...code, ...(text && { text }) });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, ...code });
  }

  /** What the visible part of the page says. */
  text(): Promise<string> {
    return this.evaluate('document.body.innerText');
  }

  /** Waits until the page says `wanted`, which may be another page by then. */
  async says(wanted: RegExp): Promise<void> {
    const look = () => this.text().catch(() => '');
    await this.#until(look, (text) => wanted.test(text), `says ${wanted}`);
  }

  /** Waits until the value of an expression in the page is `wanted`. */
  async shows(expression: string, wanted: unknown): Promise<void> {
    const look = () => this.evaluate(expression).catch(() => undefined);
    await this.#until(look, (value) => value === wanted, `shows ${wanted} for ${expression}`);
  }

  async #until<T>(look: () => Promise<T>, isSo: (seen: T) => boolean, what: string): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const seen = await look();
      if (isSo(seen)) return seen;
      if (performance.now() > deadline) throw new Error(`the page never ${what}, but: ${seen}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  /** Writes the visible part of the page as PNG. */
  async screenshot(path: string): Promise<void> {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    await writeFile(path, Buffer.from(data as string, 'base64'));
  }

  /** Ends the browser and removes its profile. */
  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #read(chunk: string): void {
    const messages = (this.#unread + chunk).split('\0');
    this.#unread = messages.pop() ?? '';
    for (const message of messages) this.#dispatch(JSON.parse(message));
  }

  #dispatch(message: {
    id?: number;
    result?: Json;
    error?: { message: string };
    method?: string;
    params?: Json;
  }): void {
    if (message.id === undefined) {
      for (const { method, listener } of [...this.#listeners]) {
        if (method === message.method) listener(message.params ?? {});
      }
      return;
    }
    const reply = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    if (message.error !== undefined) reply?.reject(new Error(message.error.message));
    else reply?.resolve(message.result ?? {});
  }
}

function flagsFor({ names = [], trusted }: BrowserOptions): string[] {
  const rules = [...names.map((name) => `MAP ${name} 127.0.0.1`), ...NO_OTHER_HOST];
  const flags = [`--host-resolver-rules=${rules.join(', ')}`];
  if (trusted === undefined) return flags;
  const key = new X509Certificate(trusted).publicKey.export({ type: 'spki', format: 'der' });
  return [...flags, `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`];
}
