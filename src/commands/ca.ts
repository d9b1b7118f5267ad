/** `lockgate ca`: prints what a device installs to trust the private CA. */
import { GatewayError } from '../lib/errors.ts';
import { StateFolder } from '../lib/state-folder.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const { Authority } = await import('../tls/authority.ts');
  const { config } = await loadFile(context);
  const folder = stateFolderOf(config, context.env);
  const authority = await Authority.existing(new StateFolder(folder));
  if (authority === undefined) {
    throw new GatewayError('certificate', `there is no private CA in ${JSON.stringify(folder)}`, {
      hint: 'start the gateway: it makes one when there is no other certificate, or with [certificate] source = "private-ca"',
    });
  }
  const { fingerprint256: fingerprint } = authority.certificate;
  const text = context.options['mobileconfig'] === true ? authority.mobileconfig : authority.certificatePem;
  if (context.json) context.print(JSON.stringify({ certificate: text, fingerprint }));
  else context.print(context.options['fingerprint'] === true ? `SHA-256 ${fingerprint}` : text.trimEnd());
  return EXIT_DONE;
}
