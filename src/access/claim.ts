/** Claiming without a screen: a private file with a one-time link, and what becomes of the code that is brought there. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { StateFolder } from '../lib/state-folder.ts';
import type { Throttle } from './throttle.ts';

const KEY_BYTES = 16;
const KEY_LIFETIME_MS = 30 * 60_000;
/** After the server took the code: how long its word that it is claimed is waited for. */
const CONFIRMATION_MS = 2 * 60_000;
/** How long the page says afterwards that it is done. */
const DONE_SHOWN_MS = 5 * 60_000;
const MAX_NAME_CHARACTERS = 60;
const CLAIM_CODE = /^claim-[A-Za-z0-9_-]{8,64}$/;
const SETUP_FILE = /^Setup .*\.html$/;

/** What the media server made of a code. `other-subnet`: it takes claims from its own subnet only, and the gateway is in another. */
export type ClaimAnswer = 'accepted' | 'rejected' | 'other-subnet' | 'unreachable';

export type ClaimOutcome =
  | { readonly outcome: ClaimAnswer | 'wrong-key' }
  | { readonly outcome: 'throttled'; readonly waitSeconds: number };

export interface ClaimSetupOptions {
  readonly state: StateFolder;
  readonly throttle: Throttle;
  /** Hands a code to the media server's own claim endpoint. */
  readonly claim: (code: string) => Promise<ClaimAnswer>;
  /** The set-up page by address literal, `http://192.168.1.10:32443/.lockgate/setup`; undefined: no address is known. */
  readonly pageUrl: () => string | undefined;
  /** Monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/** A link that was written down. */
export interface SetupOffer {
  /** The page with the key as fragment. */
  readonly link: string;
  /** Full path of the file. */
  readonly file: string;
}

/** The set-up of one unclaimed server at a time. The key lives in memory: a restart makes a new one. */
export class ClaimSetup {
  readonly #options: ClaimSetupOptions;
  readonly #now: () => number;
  #key: { readonly text: string; readonly untilMs: number } | undefined;
  #acceptedAtMs: number | undefined;
  #confirmedAtMs: number | undefined;

  constructor(options: ClaimSetupOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Where the set-up stands: `waiting` for the server to say that it is claimed, or `done` a moment ago. */
  get progress(): 'ready' | 'waiting' | 'done' {
    if (this.#confirmedAtMs !== undefined && this.#now() - this.#confirmedAtMs < DONE_SHOWN_MS) return 'done';
    if (this.#acceptedAtMs !== undefined && this.#now() - this.#acceptedAtMs < CONFIRMATION_MS) return 'waiting';
    return 'ready';
  }

  /** There is a key that is still good. */
  get isOpen(): boolean {
    return this.#key !== undefined && this.#key.untilMs > this.#now();
  }

  /** Makes a new key, good for 30 minutes, and writes the file that leads to it. Undefined when the page has no address. */
  async offer(serverName: string | undefined): Promise<SetupOffer | undefined> {
    const pageUrl = this.#options.pageUrl();
    if (pageUrl === undefined) return undefined;
    const text = randomBytes(KEY_BYTES).toString('base64url');
    const link = `${pageUrl}#${text}`;
    const name = setupFileName(serverName);
    await this.#removeFiles();
    await this.#options.state.write(name, setupFile(serverName ?? 'the media server', link));
    this.#key = { text, untilMs: this.#now() + KEY_LIFETIME_MS };
    this.#acceptedAtMs = undefined;
    this.#confirmedAtMs = undefined;
    return { link, file: this.#options.state.pathOf(name) };
  }

  /** One post of the page's form. Only a wrong key counts as a failure; only a claimed server uses the key up. */
  async submit(form: { readonly key: string; readonly code: string; readonly client: string }): Promise<ClaimOutcome> {
    const { throttle } = this.#options;
    const waitSeconds = throttle.guessWaitSeconds(form.client);
    if (waitSeconds > 0) return { outcome: 'throttled', waitSeconds };
    const refund = throttle.chargeGuess(form.client, `setup key ${form.key}`);
    if (!this.#isKey(form.key)) return { outcome: 'wrong-key' };
    refund();
    return { outcome: await this.claim(form.code) };
  }

  /** Hands a code to the server: for the form, and for the operator's shell. */
  async claim(code: string): Promise<ClaimAnswer> {
    const trimmed = code.trim();
    if (!CLAIM_CODE.test(trimmed)) return 'rejected';
    const answer = await this.#options.claim(trimmed);
    if (answer === 'accepted') this.#acceptedAtMs = this.#now();
    return answer;
  }

  /** The server says that it is claimed: the key is void and the file goes. */
  async finish(): Promise<void> {
    if (this.progress === 'waiting') this.#confirmedAtMs = this.#now();
    this.#acceptedAtMs = undefined;
    this.#key = undefined;
    await this.#removeFiles();
  }

  #isKey(given: string): boolean {
    if (this.#key === undefined || !this.isOpen) return false;
    const expected = Buffer.from(this.#key.text);
    const actual = Buffer.from(given);
    return actual.length === expected.length && timingSafeEqual(actual, expected);
  }

  async #removeFiles(): Promise<void> {
    const { state } = this.#options;
    const names = await readdir(state.path);
    await Promise.all(names.filter((name) => SETUP_FILE.test(name)).map((name) => state.remove(name)));
  }
}

/** `Setup <server name>.html`, with nothing of the name that a file system or a shell could take amiss. */
export function setupFileName(serverName: string | undefined): string {
  const words = (serverName ?? '').normalize('NFC').replace(/[^\p{L}\p{M}\p{N}._()-]+/gu, ' ');
  const short = [...words].slice(0, MAX_NAME_CHARACTERS).join('');
  const name = short.replace(/^[\s.-]+|[\s.]+$/g, '');
  return `Setup ${name === '' ? 'media server' : name}.html`;
}

function setupFile(serverName: string, link: string): string {
  const name = escapeHtml(serverName);
  const href = escapeHtml(link);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${href}">
<title>Set up ${name}</title>
<p><a href="${href}">Set up ${name}</a></p>
<p>The link is good for 30 minutes and for one use. It works from the home network. Whoever has this file can take the server: keep it to yourself.</p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
