/** The lines to paste into another resolver so that it asks the gateway for its names, with this site's values. */
import { GatewayError } from '../lib/errors.ts';
import { type SnippetOptions, type SnippetSite, snippetSite } from './snippet-site.ts';
import { asuswrtSnippet, dnsmasqSnippet, openwrtSnippet, piholeSnippet } from './snippets-dnsmasq.ts';
import {
  adguardhomeSnippet,
  corednsSnippet,
  fritzboxSnippet,
  hostsSnippet,
  mikrotikSnippet,
} from './snippets-others.ts';
import { opnsenseSnippet, pfsenseSnippet, unboundSnippet } from './snippets-unbound.ts';

const WRITERS = {
  dnsmasq: dnsmasqSnippet,
  openwrt: openwrtSnippet,
  unbound: unboundSnippet,
  pfsense: pfsenseSnippet,
  opnsense: opnsenseSnippet,
  pihole: piholeSnippet,
  adguardhome: adguardhomeSnippet,
  coredns: corednsSnippet,
  fritzbox: fritzboxSnippet,
  asuswrt: asuswrtSnippet,
  mikrotik: mikrotikSnippet,
  hosts: hostsSnippet,
} as const satisfies Readonly<Record<string, (site: SnippetSite) => string[]>>;

export type SnippetTarget = keyof typeof WRITERS;

export const SNIPPET_TARGETS = Object.keys(WRITERS) as readonly SnippetTarget[];

export function isSnippetTarget(text: string): text is SnippetTarget {
  return Object.hasOwn(WRITERS, text);
}

/** The text for `target`, ending with a line break. Throws `server` while neither a zone nor a name is known: there is nothing to say yet. */
export function snippet(target: SnippetTarget, options: SnippetOptions): string {
  const site = snippetSite(options);
  if (site.zones.length === 0 && site.ownNames.length === 0) {
    const hint = 'start the media server and run lockgate doctor, or set [dns] zones';
    throw new GatewayError('server', 'no zone is known yet: no media server has been found', { hint });
  }
  return `${WRITERS[target](site).join('\n')}\n`;
}
