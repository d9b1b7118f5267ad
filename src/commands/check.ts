/** `lockgate check`: reads the file as `run` would and says what is wrong with it, what `auto` became, and what will surprise. */
import { dirname } from 'node:path';
import { type Finding, findingsToJson, renderFinding } from '../config/report.ts';
import type { Config } from '../config/schema.ts';
import { automaticValues } from '../gateway/automatic-values.ts';
import type { Situation } from '../gateway/situation.ts';
import { surveySituation, withSurvey } from '../gateway/survey.ts';
import { hasRunningGateway } from '../ops/control.ts';
import type { CertificateProblem } from '../tls/certificate-facts.ts';
import { type CommandContext, EXIT_DONE, EXIT_NO } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';
import { startObstacles } from './start-obstacles.ts';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const { config, notes } = await loadFile(context);
  const stateDir = stateFolderOf(config, context.env);
  if (context.options['paths'] === true) return printPaths(context, pathsOf(config, context.configPath, stateDir));
  const openwrtLanNetworks = context.env['LOCKGATE_LAN_NETWORKS'];
  const { values, faults } = await withSurvey({ config, stateDir, openwrtLanNetworks }, async (survey) => {
    const situation = await surveySituation(survey, undefined);
    const faults = [...situation.certificateProblems, ...acmeProblems(situation)].filter(
      ({ severity }) => severity === 'fault',
    );
    return { values: automaticValues(situation, survey.parts, stateDir), faults };
  });
  const obstacles = (await hasRunningGateway(stateDir)) ? [] : await startObstacles(config, context.configPath);
  print(context, { notes: [...notes, ...obstacles], values, faults });
  return faults.length === 0 ? EXIT_DONE : EXIT_NO;
}

/** Files that [acme] names and that cannot be used. */
function acmeProblems({ acme }: Situation): CertificateProblem[] {
  if (acme?.fileFault === undefined) return [];
  const { message, hint } = acme.fileFault;
  return [{ severity: 'fault', sentence: message, remedy: hint ?? 'mend the file' }];
}

interface Findings {
  /** What will surprise. */
  readonly notes: readonly Finding[];
  readonly values: readonly (readonly [string, string])[];
  /** What is wrong with the certificates that the file names, or that it leads to. */
  readonly faults: readonly CertificateProblem[];
}

function print({ print, json, configPath }: CommandContext, { notes, values, faults }: Findings): void {
  if (json) {
    const problems = faults.map(({ sentence, remedy }) => ({ message: sentence, hint: remedy }));
    const facts = { notes: findingsToJson(notes), values: Object.fromEntries(values) };
    print(JSON.stringify({ ok: faults.length === 0, faults: problems, ...facts }));
    return;
  }
  for (const note of notes) print(renderFinding(note));
  if (notes.length > 0) print('');
  const width = Math.max(...values.map(([name]) => name.length));
  for (const [name, value] of values) print(`${name.padEnd(width)}  ${value}`);
  print('');
  for (const { sentence } of faults) print(sentence);
  const count = faults.length === 0 ? 'no faults' : `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`;
  print(`${configPath}: ${count}${notes.length === 0 ? '' : `, ${notes.length} to know about`}`);
  if (faults[0] !== undefined) print(`next: ${faults[0].remedy}`);
}

/** What a jail has to mount: one path in a line, or all in one document. */
function printPaths({ print, json }: CommandContext, paths: readonly string[]): number {
  if (json) print(JSON.stringify({ paths }));
  else for (const path of paths) print(path);
  return EXIT_DONE;
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
    acme.ca_file,
    acme.rfc2136_key_file,
    acme.eab_key_file,
  ];
  // Renewal replaces files: the folder is what must be seen.
  const folders = files.filter((path) => path !== '').map((path) => dirname(path));
  return [...new Set([configPath, server.data_dir, ...folders, acme.hook, stateDir])].filter((path) => path !== '');
}
