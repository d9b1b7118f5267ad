/** `lockgate login`: links the gateway to a media-server account, for clients that are let in. */

import { plexAccount } from '../gateway/plex-home.ts';
import { GatewayError } from '../lib/errors.ts';
import { StateFolder, writeFileAtomically } from '../lib/state-folder.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

const ASK_INTERVAL_MS = 1_500;
const TOKEN_FILE = 'server-token';
const LINK_PAGE = 'https://plex.tv/link';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const { config } = await loadFile(context);
  const state = new StateFolder(stateFolderOf(config, context.env));
  await state.prepare();
  const account = await plexAccount(config, state);
  const code = await account.requestLinkCode();
  if (code === undefined) {
    throw new GatewayError('server', `${config.server.account_url} cannot be asked`, {
      hint: 'see that this host reaches the Internet, then try again',
    });
  }
  const tell = context.json ? context.complain : context.print;
  tell(
    `Open ${LINK_PAGE} as the user whose rights clients on your list shall have (best a managed user), and type in:\n\n    ${code.code}\n`,
  );
  const token = await waitForToken(account, code);
  const user = await account.userOf(token);
  const path = config.server.token_file || state.pathOf(TOKEN_FILE);
  await writeFileAtomically(path, `${token}\n`, 0o600);
  const whose = user === undefined ? 'an account that could not be looked up' : `"${user.name}"`;
  if (context.json) context.print(JSON.stringify({ user: user?.name ?? null, token_file: path }));
  else {
    context.print(`the token of ${whose} is in ${path}`);
    if (config.server.token_file === '')
      context.print(`next: put this into the file and reload: [server] token_file = "${path}"`);
  }
  return EXIT_DONE;
}

async function waitForToken(
  account: Awaited<ReturnType<typeof plexAccount>>,
  { id, expiresInSeconds }: { readonly id: number; readonly expiresInSeconds: number },
): Promise<string> {
  const deadline = performance.now() + expiresInSeconds * 1000;
  while (performance.now() < deadline) {
    const link = await account.linkState(id);
    if (link.state === 'linked') return link.token;
    if (link.state === 'expired') break;
    await new Promise((resolve) => setTimeout(resolve, ASK_INTERVAL_MS));
  }
  throw new GatewayError('refused', 'the code was not used in time', { hint: 'run lockgate login again' });
}
