/** The answer of `/identity` of Plex Media Server: read in XML and JSON, and given in its place. */
import type { ServerIdentity } from './kind.ts';

/** Nothing in an identity is longer; a longer value is not one. */
const MAX_VALUE_LENGTH = 200;

/** Undefined when the body is not a MediaContainer with a machine identifier. */
export function readPlexIdentity(body: Buffer): ServerIdentity | undefined {
  const text = body.toString('utf8');
  const attributes = text.trimStart().startsWith('{') ? readJson(text) : readXml(text);
  const id = textOf(attributes, 'machineIdentifier');
  if (id === undefined) return undefined;
  const name = textOf(attributes, 'friendlyName');
  return {
    id,
    name,
    version: textOf(attributes, 'version'),
    claimed: readClaimed(attributes.get('claimed')),
    basePath: '',
  };
}

/** As Plex answers: XML, or JSON for who accepts that. */
export function renderPlexIdentity(
  identity: ServerIdentity,
  accept: string | undefined,
): { contentType: string; body: string } {
  const container = {
    size: 0,
    apiVersion: '1.1.1',
    ...(identity.claimed === undefined ? {} : { claimed: identity.claimed }),
    machineIdentifier: identity.id,
    ...(identity.version === undefined ? {} : { version: identity.version }),
  };
  if (accept?.toLowerCase().includes('application/json')) {
    return { contentType: 'application/json', body: JSON.stringify({ MediaContainer: container }) };
  }
  const attributes = Object.entries(container).map(([name, value]) => ` ${name}="${xmlValue(value)}"`);
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer${attributes.join('')}>\n</MediaContainer>\n`;
  return { contentType: 'text/xml;charset=utf-8', body };
}

function readJson(text: string): Map<string, string> {
  try {
    const container = (JSON.parse(text) as { MediaContainer?: unknown } | null)?.MediaContainer;
    if (typeof container !== 'object' || container === null) return new Map();
    return new Map(Object.entries(container).map(([name, value]) => [name, String(value)]));
  } catch {
    return new Map();
  }
}

/** The attributes of the first MediaContainer element. */
function readXml(text: string): Map<string, string> {
  const element = text.match(/^\s*(?:<\?xml[^>]*\?>\s*)?<MediaContainer\s([^>]*)>/)?.[1] ?? '';
  const attributes = element.matchAll(/([A-Za-z]+)="([^"]*)"/g);
  return new Map([...attributes].map(([, name = '', value = '']) => [name, decodeEntities(value)]));
}

function textOf(attributes: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = attributes.get(name)?.trim();
  return value === undefined || value === '' || value.length > MAX_VALUE_LENGTH ? undefined : value;
}

/** Only a clear yes or no counts. */
function readClaimed(value: string | undefined): boolean | undefined {
  if (value === '1' || value === 'true') return true;
  return value === '0' || value === 'false' ? false : undefined;
}

function decodeEntities(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d{1,6})|([a-z]+));/g, (entity, code: string | undefined, name: string) =>
    code === undefined ? (named[name] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

function xmlValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value).replace(/[^\x20-\x7e]|[&<>"]/gu, (character) => `&#${character.codePointAt(0)};`);
}
