/** `lockgate openwrt apply|undo`: as root on a router, its DNS and its firewall; what was applied is what is undone. */
import { loadConfig } from '../config/load.ts';
import { type Config, defaultConfig } from '../config/schema.ts';
import { routerResolver, snippetSiteOf } from '../gateway/dns-facts.ts';
import { surveySituation, withSurvey } from '../gateway/survey.ts';
import { GatewayError } from '../lib/errors.ts';
import { StateFolder } from '../lib/state-folder.ts';
import { hardwareAddressOf } from '../net/neighbours.ts';
import { Router, type RouterLease, type RouterSettings } from '../ops/openwrt.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const [action] = context.operands;
  const isWan = context.options['wan'] === true;
  if ((action !== 'apply' && action !== 'undo') || (isWan && action === 'undo')) {
    throw new GatewayError('usage', 'it is used as: lockgate openwrt apply [--wan], or lockgate openwrt undo');
  }
  const config = action === 'undo' ? await fileOrDefaults(context) : (await loadFile(context)).config;
  const stateDir = stateFolderOf(config, context.env);
  const state = new StateFolder(stateDir);
  await state.prepare();
  const router = new Router(state);
  const changes =
    action === 'undo'
      ? await router.undo()
      : await router.apply(await wantedSettings(context, config, stateDir, isWan));
  if (context.json) context.print(JSON.stringify({ changes }));
  else for (const line of changes.length > 0 ? changes : ['nothing to change']) context.print(line);
  return EXIT_DONE;
}

/** What was applied is taken back whatever is wrong with the file. */
async function fileOrDefaults({ configPath, configPathIsExplicit }: CommandContext): Promise<Config> {
  const result = await loadConfig(configPath, { isExplicit: configPathIsExplicit });
  return result.ok ? result.config : defaultConfig();
}

/** The zones and names of the certificate, as they are known now. */
async function wantedSettings(
  { env }: CommandContext,
  config: Config,
  stateDir: string,
  isWan: boolean,
): Promise<RouterSettings> {
  const openwrtLanNetworks = env['LOCKGATE_LAN_NETWORKS'];
  return withSurvey({ config, stateDir, openwrtLanNetworks }, async (survey) => {
    await surveySituation(survey, undefined);
    const site = snippetSiteOf(survey.parts);
    const { zones, ownNames, here } = site;
    if (zones.length + ownNames.length === 0) {
      throw new GatewayError('certificate', 'there is no name to answer yet: nobody has a certificate', {
        hint: 'see that the media server is reached (lockgate check), or set [dns] zones',
      });
    }
    if (here.missing !== undefined || !config.dns.enabled) {
      throw new GatewayError('config', 'dns.listen: the gateway does not answer this router itself', {
        hint: `under [dns]: ${here.missing ?? 'enabled = true'}`,
      });
    }
    const openPorts = isWan ? config.listen.port : undefined;
    const lease = leaseOf(survey.parts.site.view.serverAddress);
    return { zones, resolver: routerResolver(site), names: ownNames, openPorts, lease };
  });
}

/** Of a media server in the LAN that was just talked to; undefined for one on this router, or behind another. */
function leaseOf(address: string | undefined): RouterLease | undefined {
  const hardwareAddress = address === undefined ? undefined : hardwareAddressOf(address);
  return address === undefined || hardwareAddress === undefined ? undefined : { hardwareAddress, address };
}
