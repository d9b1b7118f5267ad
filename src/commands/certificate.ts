/** `lockgate certificate import`: takes the media server's PKCS#12 from a file or standard input. */
import { open } from 'node:fs/promises';
import { withSurvey } from '../gateway/survey.ts';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { StateFolder } from '../lib/state-folder.ts';
import { askControl } from '../ops/control.ts';
import { plexZone } from '../tls/address-zone.ts';
import { importCertificate } from '../tls/import.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

/** A chain and a key are a few KB. */
const MAX_FILE_BYTES = 256 * 1024;

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const [verb, path = '-'] = context.operands;
  if (verb !== 'import') throw new GatewayError('usage', 'it is used as: lockgate certificate import [FILE or -]');
  const { config } = await loadFile(context);
  const stateDir = stateFolderOf(config, context.env);
  const bytes = await readBounded(path);
  // The server says who it is and which zone it has: its passphrase, and the proof that the file is for it.
  const { machineId, expectedZone } = await withSurvey({ config, stateDir }, async ({ parts }) => {
    const { identity } = await parts.link.monitor.probe();
    await parts.zones.look();
    const written = parts.plexHome.preferences?.certificateUuid;
    const expectedZone = parts.zones.ofServer ?? (written === undefined ? undefined : plexZone(written));
    return { machineId: config.server.id || identity?.id, expectedZone };
  });
  const state = new StateFolder(stateDir);
  await state.prepare();
  const facts = await importCertificate({ bytes, state, machineId, expectedZone });
  const { names, daysLeft, fingerprint } = facts;
  const isInUse = await isTakenByGateway(stateDir);
  if (context.json) context.print(JSON.stringify({ imported: true, names, daysLeft, fingerprint, inUse: isInUse }));
  else {
    const use = isInUse ? 'the running gateway uses it' : 'kept for the next start: no gateway is running';
    context.print(`imported: ${names.join(', ')}, ${daysLeft} days left; ${use}`);
  }
  return EXIT_DONE;
}

/** Tells the running gateway to look now; false: none is running, or it may not be asked. */
async function isTakenByGateway(stateDir: string): Promise<boolean> {
  try {
    await askControl(stateDir, { command: 'reload-certificates' });
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}

function unreadable(path: string, cause: unknown): GatewayError {
  const subject = path === '-' ? 'standard input' : path;
  const why = systemCodeOf(cause) === 'ENOENT' ? 'there is no such file' : `cannot be read: ${messageOf(cause)}`;
  const hint = "name the server's PKCS#12 file (Cache/cert-v2.p12 in its data folder), or send it to standard input";
  return new GatewayError('certificate', `${subject}: ${why}`, { hint, cause });
}

async function readBounded(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const stream = path === '-' ? process.stdin : (await open(path)).createReadStream();
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes: not a certificate`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return Buffer.concat(chunks);
}
