/** The `Authorization: MediaBrowser Client="…", Token="…"` header of Jellyfin and Emby: its tokens found, and cut out. */
import { decodePercent } from '../lib/path.ts';

/** The headers that carry it (lower case). */
export const AUTHORIZATION_HEADERS: ReadonlySet<string> = new Set(['authorization', 'x-emby-authorization']);

/** `Token=…`, also behind another `name=`: the servers take the last unquoted one for the name. */
const TOKEN_FIELD = /^(?:[^"]*=)?\s*token\s*=(.*)$/is;

/** Every token of the header; none when the scheme is another one. The servers decode the value, so it is decoded here. */
export function authorizationTokens(header: string): string[] {
  return (readHeader(header)?.fields ?? []).flatMap((field) => {
    const value = field.match(TOKEN_FIELD)?.[1];
    return value === undefined ? [] : [decodePercent(value.trim().replace(/^"+|"+$/g, ''))];
  });
}

/** The header without its tokens, the other fields untouched: the server wants to know the device before anybody signs in. */
export function withoutTokens(header: string): string {
  const parsed = readHeader(header);
  if (parsed === undefined) return header;
  const kept = parsed.fields.filter((field) => !TOKEN_FIELD.test(field));
  return kept.length === parsed.fields.length ? header : `${parsed.scheme} ${kept.join(',').trimStart()}`.trimEnd();
}

function readHeader(header: string): { scheme: string; fields: string[] } | undefined {
  const match = header.match(/^\s*(MediaBrowser|Emby)\s+(.*)$/is);
  return match === null ? undefined : { scheme: match[1]!, fields: splitFields(match[2]!) };
}

/** Splits at the commas outside quotes, as the servers do: a quote opens or closes wherever it stands. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') isQuoted = !isQuoted;
    if (text[index] !== ',' || isQuoted) continue;
    fields.push(text.slice(start, index));
    start = index + 1;
  }
  fields.push(text.slice(start));
  return fields;
}
