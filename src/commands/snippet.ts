/** `lockgate snippet TARGET`: the lines to paste into another resolver, or for the machine that has the certificate. */
import { isSnippetTarget, SNIPPET_TARGETS, snippet } from '../dns/snippets.ts';
import { dnsFacts } from '../gateway/dns-facts.ts';
import { surveySituation, withSurvey } from '../gateway/survey.ts';
import { GatewayError } from '../lib/errors.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import { renderNasSnippet } from '../tls/nas-snippet.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

const TARGETS = [...SNIPPET_TARGETS, 'nas'];

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const [target = ''] = context.operands;
  if (!TARGETS.includes(target)) throw unknownTarget(target);
  const { config } = await loadFile(context);
  const stateDir = stateFolderOf(config, context.env);
  const openwrtLanNetworks = context.env['LOCKGATE_LAN_NETWORKS'];
  const text = await withSurvey({ config, stateDir, openwrtLanNetworks }, async (survey) => {
    const { server } = await surveySituation(survey, undefined);
    const { parts } = survey;
    if (!isSnippetTarget(target)) {
      return renderNasSnippet({ gatewayHost: parts.site.lanAddresses[0], gatewayUser: 'root' });
    }
    const facts = dnsFacts(() => parts);
    if (server.state !== 'unknown' && facts.zones().length + facts.exactNames().length === 0) throw noNames();
    return snippet(target, { facts, answer: config.dns.answer, listen: config.dns.listen });
  });
  context.print(context.json ? JSON.stringify({ target, text }) : text.trimEnd());
  return EXIT_DONE;
}

/** The server is there, but neither shows a certificate nor is there another one. */
function noNames(): GatewayError {
  return new GatewayError('certificate', 'there is no name to answer yet: nobody has a certificate', {
    hint: 'start the gateway once, which makes a private CA (lockgate run), or set [dns] zones',
  });
}

function unknownTarget(target: string): GatewayError {
  const near = nearestWord(target, TARGETS);
  return new GatewayError('usage', `there is no snippet for ${JSON.stringify(target)}`, {
    hint: near === undefined ? `one of ${TARGETS.join(', ')}` : `did you mean ${near}?`,
  });
}
