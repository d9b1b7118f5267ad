/** OpenSSL's digests in the form in which node-forge wants its own: a key of 100,000 rounds takes milliseconds instead of a second. */
import { hash, pbkdf2Sync } from 'node:crypto';
import type { Forge } from './forge.ts';

/** Of each digest: bytes of a block and of the result. */
const SIZES = {
  md5: [64, 16],
  sha1: [64, 20],
  sha256: [64, 32],
  sha384: [128, 48],
  sha512: [128, 64],
} as const;

type Bytes = string;

/** What node-forge asks of a digest. */
interface Digest {
  readonly algorithm: string;
  readonly blockLength: number;
  readonly digestLength: number;
  start(): Digest;
  update(bytes: Bytes): Digest;
  digest(): ReturnType<Forge['util']['createBuffer']>;
}

/** Puts the digests and PBKDF2 into `forge`, in place of its own. */
export function useNativeDigests(forge: Forge): void {
  const digests: Record<string, unknown> = {};
  for (const [name, [blockLength, digestLength]] of Object.entries(SIZES)) {
    digests[name] = { create: () => digest(forge, { name, blockLength, digestLength }) };
  }
  Object.assign(forge.md, digests);
  Object.assign((forge.md as unknown as { algorithms: object }).algorithms, digests);
  const pbkdf2 = (password: Bytes, salt: Bytes, rounds: number, length: number, md?: Digest): Bytes =>
    pbkdf2Sync(binary(password), binary(salt), rounds, length, md?.algorithm ?? 'sha1').toString('latin1');
  Object.assign(forge, { pbkdf2 });
  Object.assign(forge.pkcs5, { pbkdf2 });
}

/** In one go: keys of old containers are thousands of digests of a few bytes, and an object for each costs three times as much. */
function digest(
  forge: Forge,
  { name, blockLength, digestLength }: { name: string; blockLength: number; digestLength: number },
): Digest {
  let bytes = '';
  const self: Digest = {
    algorithm: name,
    blockLength,
    digestLength,
    start() {
      bytes = '';
      return self;
    },
    update(more: Bytes) {
      bytes += more;
      return self;
    },
    digest: () => forge.util.createBuffer(hash(name, binary(bytes), 'binary')),
  };
  return self;
}

function binary(text: Bytes): Buffer {
  return Buffer.from(text, 'latin1');
}
