/** What the user asks of ACME, and what is made of it for one attempt: files read, solvers built. Types and their making. */
import { X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import { readBoundedFile } from '../bounded-file.ts';
import type { ChallengeType, Solver } from './challenge.ts';
import type { ChallengeBoard } from './challenge-board.ts';
import { hookPublisher } from './dns-hook.ts';
import { dnsSolver } from './dns-record.ts';
import { updatePublisher } from './dns-update.ts';
import { isOnOwnPort, likelyChallenges, ownPortSolver, type Ways, whatMustLeadHere } from './own-port.ts';
import type { Standing } from './standing.ts';
import type { Wish } from './store.ts';
import { readTsigKey, type TsigKey } from './tsig.ts';

/** The keys of `[acme]`, as paths and texts; empty ones as they are. */
export interface AcmeSettings {
  readonly wish: Wish;
  readonly email: string;
  readonly challenge: 'auto' | ChallengeType;
  readonly caFile: string;
  readonly hook: string;
  readonly nameServer: { readonly host: string; readonly port: number } | undefined;
  readonly nameServerKeyFile: string;
  readonly externalId: string;
  readonly externalKeyFile: string;
  readonly ways: Ways;
}

/** The challenges to try, the best first. With `auto`: dns-01 where it is set up; else the one that worked last time, then not the one that failed. */
export function challengeOrder(settings: AcmeSettings, standing: Standing): ChallengeType[] {
  if (settings.challenge !== 'auto') return [settings.challenge];
  if (hasDns(settings)) return ['dns-01'];
  const { goodChallenge, failedChallenge } = standing;
  const likely = likelyChallenges(settings.ways);
  const weight = (type: ChallengeType) => Number(type === failedChallenge) * 2 - Number(type === goodChallenge);
  return likely.toSorted((a, b) => weight(a) - weight(b));
}

/** What has to be so outside for the first challenge to succeed, as sentences; empty for dns-01. */
export function whatAuthorityNeeds(settings: AcmeSettings): string[] {
  if (settings.challenge !== 'auto' && !isOnOwnPort(settings.challenge)) return [];
  if (settings.challenge === 'auto' && hasDns(settings)) return [];
  const types = settings.challenge === 'auto' ? likelyChallenges(settings.ways) : [settings.challenge];
  return types.filter(isOnOwnPort).map((type) => whatMustLeadHere(type, settings.ways));
}

function hasDns({ hook, nameServer }: AcmeSettings): boolean {
  return hook !== '' || nameServer !== undefined;
}

/** The solvers in that order. Throws `config` when a key file cannot be used. */
export async function makeSolvers(
  settings: AcmeSettings,
  standing: Standing,
  board: ChallengeBoard,
): Promise<readonly Solver[]> {
  const order = challengeOrder(settings, standing);
  return Promise.all(
    order.map(async (type) =>
      isOnOwnPort(type) ? ownPortSolver(type, board, settings.ways) : makeDnsSolver(settings),
    ),
  );
}

async function makeDnsSolver({ hook, nameServer, nameServerKeyFile }: AcmeSettings): Promise<Solver> {
  if (nameServer === undefined) return dnsSolver(hookPublisher(hook));
  const key = nameServerKeyFile === '' ? undefined : await readKeyFile(nameServerKeyFile);
  return dnsSolver(updatePublisher({ ...nameServer, key }));
}

async function readKeyFile(path: string): Promise<TsigKey> {
  const key = readTsigKey(await readText('acme.rfc2136_key_file', path));
  if (key !== undefined) return key;
  throw new GatewayError(
    'config',
    `acme.rfc2136_key_file: ${JSON.stringify(path)} holds no key of BIND's form with HMAC-SHA-2`,
    {
      hint: 'make one with: tsig-keygen -a hmac-sha256 NAME',
    },
  );
}

/** Which of the files cannot be used, and why; undefined: they are good, or there are none. Looked at without asking anybody. */
export async function findFileFault(settings: AcmeSettings): Promise<GatewayError | undefined> {
  const { hook, nameServerKeyFile } = settings;
  try {
    await readAuthorityRoot(settings);
    await readExternalKey(settings);
    if (nameServerKeyFile !== '') await readKeyFile(nameServerKeyFile);
    if (hook !== '') await assertExecutable(hook);
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

async function assertExecutable(path: string): Promise<void> {
  await access(path, constants.X_OK).catch((cause: unknown) => {
    throw new GatewayError('config', `acme.hook: ${JSON.stringify(path)} cannot be run: ${messageOf(cause)}`, {
      hint: 'let the user that runs lockgate execute it: chmod +x',
      cause,
    });
  });
}

/** What the authority gave to its customer; undefined: nothing. Throws `config`. */
export async function readExternalKey(settings: AcmeSettings): Promise<{ id: string; key: Buffer } | undefined> {
  const { externalId: id, externalKeyFile: path } = settings;
  if (id === '' || path === '') return undefined;
  const text = (await readText('acme.eab_key_file', path)).trim();
  const key = Buffer.from(text, 'base64url');
  if (key.length > 0 && /^[\w+/=-]+$/.test(text)) return { id, key };
  throw new GatewayError('config', `acme.eab_key_file: ${JSON.stringify(path)} holds no base64 text`, {
    hint: 'it must hold the key as the authority shows it, and nothing else',
  });
}

/** The root of a private authority, PEM; undefined: those that Node trusts. Throws `config`. */
export async function readAuthorityRoot({ caFile }: AcmeSettings): Promise<string | undefined> {
  if (caFile === '') return undefined;
  const pem = await readText('acme.ca_file', caFile);
  try {
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new GatewayError('config', `acme.ca_file: ${JSON.stringify(caFile)} holds no certificate in PEM`, { cause });
  }
}

async function readText(key: string, path: string): Promise<string> {
  try {
    return (await readBoundedFile(path)).toString('utf8');
  } catch (cause) {
    throw new GatewayError('config', `${key}: ${JSON.stringify(path)} cannot be read: ${messageOf(cause)}`, {
      hint: 'let the user that runs lockgate read it',
      cause,
    });
  }
}
