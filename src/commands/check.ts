/** `lockgate check`: reads the file as `run` would and says what is wrong with it, what `auto` became, and what will surprise. */
import { dirname } from 'node:path';
import { findingsToJson, renderFinding } from '../config/report.ts';
import type { Config } from '../config/schema.ts';
import { steeringSentence } from '../dns/steering.ts';
import type { Situation } from '../gateway/situation.ts';
import { surveySituation, withSurvey } from '../gateway/survey.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const { config, notes } = await loadFile(context);
  const stateDir = stateFolderOf(config, context.env);
  if (context.options['paths'] === true) {
    for (const path of pathsOf(config, context.configPath, stateDir)) context.print(path);
    return EXIT_DONE;
  }
  const openwrtLanNetworks = context.env['LOCKGATE_LAN_NETWORKS'];
  const values = await withSurvey({ config, stateDir, openwrtLanNetworks }, async (survey) =>
    automaticValues(await surveySituation(survey, undefined)),
  );
  if (context.json) {
    context.print(JSON.stringify({ ok: true, notes: findingsToJson(notes), values: Object.fromEntries(values) }));
    return EXIT_DONE;
  }
  for (const note of notes) context.print(renderFinding(note));
  if (notes.length > 0) context.print('');
  const width = Math.max(...values.map(([name]) => name.length));
  for (const [name, value] of values) context.print(`${name.padEnd(width)}  ${value}`);
  context.print(`${context.configPath}: no faults${notes.length === 0 ? '' : `, ${notes.length} to know about`}`);
  return EXIT_DONE;
}

/** What the automatic values stand for, here and now. */
function automaticValues({
  config,
  server,
  certificates,
  certificateProblems,
  lan,
  list,
  dns,
}: Situation): [string, string][] {
  const { kind, url, identity, state, detail } = server;
  const isKnown = state !== 'unknown' || !kind.hasIdentity;
  const name = identity?.name === undefined ? '' : ` "${identity.name}"`;
  return [
    [
      'server.url',
      isKnown
        ? `${url} (${kind.title}${name}, ${kind.hasIdentity ? state : 'no claim state'})`
        : (detail ?? 'not found'),
    ],
    [
      'certificate.source',
      certificates.map(({ source, names }) => `${source}: ${names.join(', ')}`).join('; ') ||
        (certificateProblems[0]?.sentence ?? 'none'),
    ],
    ['access.lan_networks', `${lan.networks.join(', ') || 'none'} (${lan.reason})`],
    [
      'access.require_auth',
      `${config.access.require_auth}: allowed_networks ${list.isInForce ? 'holds' : 'is ignored'} (${list.because})`,
    ],
    ['listen', config.listen.port.map((port) => `port ${port} on ${config.listen.addresses.join(', ')}`).join('; ')],
    ['dns.zones', dns === undefined ? 'off' : dns.zones.map(({ zone }) => zone).join(', ') || 'none is known yet'],
    ['dns.answer', [config.dns.answer, ...(dns?.zones ?? []).map(steeringSentence)].join('; ')],
  ];
}

/** Every path that the service must be able to read, and the state folder: what a jail has to mount. */
function pathsOf(config: Config, configPath: string, stateDir: string): string[] {
  const { server, certificate, acme } = config;
  const files = [
    certificate.cert_file,
    certificate.key_file,
    certificate.key_passphrase_file,
    certificate.pfx_file,
    certificate.pfx_passphrase_file,
    server.token_file,
    acme.rfc2136_key_file,
    acme.eab_key_file,
  ];
  // Renewal replaces files: the folder is what must be seen.
  const folders = files.filter((path) => path !== '').map((path) => dirname(path));
  return [...new Set([configPath, server.data_dir, ...folders, acme.hook, stateDir])].filter((path) => path !== '');
}
