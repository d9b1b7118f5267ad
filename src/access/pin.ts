/** The household's PIN: hashed with scrypt (RFC 7914), compared in constant time, a few at a time. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../lib/errors.ts';

/** 16 MiB for about a quarter of a second; a router has little memory and no need for more. */
const COST_LOG2 = 14;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 5;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a hash from elsewhere may cost at most: 64 MiB. */
const MAX_COST_LOG2 = 16;
const MAX_PARALLELIZATION = 16;
const MAX_PIN_LENGTH = 64;
/** PINs that wait for their turn; more are turned away. */
const MAX_WAITING = 8;

const ENCODED = /^\$scrypt\$ln=(\d{1,2}),r=8,p=(\d{1,2})\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{43})$/;

/** `$scrypt$ln=14,r=8,p=5$salt$hash`, taken apart. */
interface PinHash {
  readonly costLog2: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** The value for `pin_hash`. Throws `usage` when the PIN is empty or longer than 64 characters. */
export async function hashPin(pin: string): Promise<string> {
  if (pin === '' || pin.length > MAX_PIN_LENGTH) {
    throw new GatewayError('usage', `a PIN has 1 to ${MAX_PIN_LENGTH} characters`);
  }
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(pin, { costLog2: COST_LOG2, parallelization: PARALLELIZATION, salt });
  return `$scrypt$ln=${COST_LOG2},r=${BLOCK_SIZE},p=${PARALLELIZATION}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Compares PINs with one hash. */
export class PinVerifier {
  readonly #hash: PinHash;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Throws `config` when `encoded` is not what `hashPin` makes. */
  constructor(encoded: string) {
    this.#hash = parsePinHash(encoded);
  }

  /** Whether `pin` is the one. `busy`: too many wait for an answer already. */
  async verify(pin: string): Promise<boolean | 'busy'> {
    if (pin.length > MAX_PIN_LENGTH) return false;
    if (this.#waiting >= MAX_WAITING) return 'busy';
    this.#waiting++;
    const answer = this.#turn.then(() => this.#matches(pin));
    this.#turn = answer.catch(() => {});
    return answer.finally(() => this.#waiting--);
  }

  async #matches(pin: string): Promise<boolean> {
    return timingSafeEqual(await derive(pin, this.#hash), this.#hash.hash);
  }
}

function parsePinHash(encoded: string): PinHash {
  const match = ENCODED.exec(encoded);
  const costLog2 = Number(match?.[1]);
  const parallelization = Number(match?.[2]);
  const isAffordable = costLog2 >= 1 && costLog2 <= MAX_COST_LOG2;
  if (match === null || !isAffordable || parallelization < 1 || parallelization > MAX_PARALLELIZATION) {
    throw new GatewayError('config', 'access.pin_hash is not a hash of a PIN', {
      hint: '`lockgate hash-pin` makes one',
    });
  }
  const [, , , salt = '', hash = ''] = match;
  return { costLog2, parallelization, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

function derive(pin: string, { costLog2, parallelization, salt }: Omit<PinHash, 'hash'>): Promise<Buffer> {
  const cost = 2 ** costLog2;
  const maxmem = 128 * BLOCK_SIZE * (cost + parallelization + 2);
  const options = { cost, blockSize: BLOCK_SIZE, parallelization, maxmem };
  return new Promise((resolve, reject) => {
    scrypt(pin.normalize('NFC'), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
