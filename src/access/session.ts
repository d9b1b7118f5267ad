/** PIN sessions: a cookie that carries its own proof, so that nothing is kept for it (RFC 6265, RFC 2104). */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { StateFolder } from '../lib/state-folder.ts';

const KEY_FILE = 'session-key';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const MAC_BYTES = 32;
/** A browser sends one; more than a few are somebody's try. */
const MAX_COOKIES = 4;

/** Over TLS; the prefix makes browsers refuse it from anything but this very host over TLS. */
const SECURE_NAME = '__Host-lockgate';
const PLAIN_NAME = 'lockgate';
/** What both names end with: a quick look before anything is taken apart. */
const NAME_MARK = `${PLAIN_NAME}=`;

export interface SessionsOptions {
  /** From `loadSessionKey`. */
  readonly key: Buffer;
  /** `access.pin_hash`; another one voids all sessions. Undefined: there are none. */
  readonly pinHash: string | undefined;
  readonly lifetimeMs: number;
  /** Wall clock in milliseconds: a session outlives a restart. */
  readonly now?: () => number;
}

/** The key under which sessions are signed; made at first use, kept 0600 in the state folder. */
export async function loadSessionKey(state: StateFolder): Promise<Buffer> {
  const known = await state.read(KEY_FILE);
  if (known?.length === KEY_BYTES) return known;
  const key = randomBytes(KEY_BYTES);
  await state.write(KEY_FILE, key);
  return key;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #now: () => number;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** A Set-Cookie value that opens a session. */
  open(isTls: boolean): string {
    const { lifetimeMs } = this.#options;
    const expires = Math.floor((this.#now() + lifetimeMs) / 1000);
    const payload = `${expires}.${randomBytes(NONCE_BYTES).toString('base64url')}`;
    const name = cookieName(isTls);
    const value = `${payload}.${this.#mac(name, payload).toString('base64url')}`;
    return setCookie(value, Math.floor(lifetimeMs / 1000), isTls);
  }

  /** A Set-Cookie value that makes the browser forget its session. */
  end(isTls: boolean): string {
    return setCookie('', 0, isTls);
  }

  /** Whether the Cookie headers hold a good session for this kind of connection. */
  isValid(cookieHeaders: readonly string[], isTls: boolean): boolean {
    if (this.#options.pinHash === undefined || !hasSessionCookie(cookieHeaders)) return false;
    const name = cookieName(isTls);
    const values = cookieHeaders.flatMap(cookiesIn).filter((cookie) => nameOf(cookie) === name);
    return values.slice(0, MAX_COOKIES).some((cookie) => this.#isGood(name, cookie.slice(name.length + 1)));
  }

  #isGood(name: string, value: string): boolean {
    const [expires = '', nonce = '', mac = '', ...rest] = value.split('.');
    if (rest.length > 0 || !/^\d{1,12}$/.test(expires)) return false;
    const leftMs = Number(expires) * 1000 - this.#now();
    if (leftMs <= 0 || leftMs > this.#options.lifetimeMs) return false;
    const given = Buffer.from(mac, 'base64url');
    return given.length === MAC_BYTES && timingSafeEqual(given, this.#mac(name, `${expires}.${nonce}`));
  }

  /** The name is part of it: a cookie that was overheard on plain HTTP is worth nothing over TLS. */
  #mac(name: string, payload: string): Buffer {
    const { key, pinHash = '' } = this.#options;
    return createHmac('sha256', key).update(`session\n${name}\n${payload}\n${pinHash}`).digest();
  }
}

/** Whether a cookie of the gateway's name is there, good or not. */
export function hasSessionCookie(cookieHeaders: readonly string[]): boolean {
  return cookieHeaders.some((header) => header.includes(NAME_MARK));
}

/** A Cookie header without the gateway's own cookies; undefined when nothing is left of it. */
export function withoutSessionCookie(cookieHeader: string): string | undefined {
  if (!hasSessionCookie([cookieHeader])) return cookieHeader;
  const rest = cookiesIn(cookieHeader).filter((cookie) => ![SECURE_NAME, PLAIN_NAME].includes(nameOf(cookie)));
  return rest.length === 0 ? undefined : rest.join('; ');
}

function cookieName(isTls: boolean): string {
  return isTls ? SECURE_NAME : PLAIN_NAME;
}

function setCookie(value: string, maxAgeSeconds: number, isTls: boolean): string {
  const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`;
  return `${cookieName(isTls)}=${value}; ${attributes}${isTls ? '; Secure' : ''}`;
}

function cookiesIn(header: string): string[] {
  return header
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '');
}

function nameOf(cookie: string): string {
  const equals = cookie.indexOf('=');
  return equals < 0 ? '' : cookie.slice(0, equals).trim();
}
