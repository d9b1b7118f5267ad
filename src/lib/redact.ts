/** Removes credentials from text that is going to be logged or shown: URLs, nested and repeatedly encoded URLs, header forms. */

const REMOVED = 'REMOVED';
const MAX_TEXT_LENGTH = 2048;

/** Names that carry a credential, each letter possibly percent-encoded once or more by the URL around it. */
const SECRET_NAMES = [
  'X-Plex-Token',
  'X-Plex-Claim-Token',
  'X-Emby-Token',
  'X-MediaBrowser-Token',
  'ApiKey',
  'api_key',
  'access_token',
  'auth_token',
  'authToken',
  'token',
  'password',
  'Pw',
  'pin',
  'key',
  'secret',
];

/** `=`, or any depth of its percent-encoding: `%3D`, `%253D`, … */
const EQUALS = '(?:=|%(?:25)*3d)';
/** A value ends at a delimiter of the URL that holds it, plain or encoded at any depth. */
const VALUE = '(?:(?!%(?:25)*(?:26|23|3b|22|27|20|0d|0a))[^&#;\\s"\'<>,\\\\])+';

const inUrls = new RegExp(`((?:^|[^a-z0-9])(?:${SECRET_NAMES.map(encodableName).join('|')})${EQUALS})${VALUE}`, 'gi');
const inHeaders =
  /\b((?:Token|ApiKey|X-Plex-Token|X-Emby-Token|X-MediaBrowser-Token|Authorization|Cookie)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|(?:Bearer\s+|Basic\s+|MediaBrowser\s+|Emby\s+)?[^\s,;&"]+)/gi;
/** Values that are credentials wherever they stand: claim codes, transient tokens, JSON Web Tokens. */
const knownShapes = /\b(?:claim-[\w-]{8,}|transient-[\w-]{8,}|eyJ[\w-]{8,}(?:\.|%2e)[\w-]+(?:\.|%2e)[\w-]*)/gi;

/** `text` with every credential value replaced, cut to 2,048 characters. */
export function redact(text: string): string {
  const bounded = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  return bounded.replace(inUrls, `$1${REMOVED}`).replace(inHeaders, `$1${REMOVED}`).replace(knownShapes, REMOVED);
}

/** A pattern for `name` in which `-` and `_` may be percent-encoded at any depth. */
function encodableName(name: string): string {
  return name.replace(/[-_]/g, (mark) => `(?:${mark}|%(?:25)*${mark === '-' ? '2d' : '5f'})`);
}
