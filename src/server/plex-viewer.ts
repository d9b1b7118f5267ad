/** What a viewer of Plex may do who brings no credentials: the measure is a user with whom the libraries are shared. */
import { isNormalPath, pathVariants } from '../lib/path.ts';
import { queryValues } from '../lib/query.ts';
import { compilePatterns } from './path-patterns.ts';

/** Reading: GET and HEAD. */
const READABLE = compilePatterns([
  '/',
  '/library/**',
  '/hubs/**',
  '/playlists/**',
  '/media/providers',
  '/livetv/sessions/**',
  '/:/resources/**',
  '/:/websocket/notifications',
  '/:/websockets/notifications',
  '/:/eventsource/notifications',
  '/clients',
  '/resources',
  '/player/**',
]);

/** Playing, and telling the server how far: any method. */
const USABLE = compilePatterns([
  '/:/timeline',
  '/:/progress',
  '/:/scrobble',
  '/:/unscrobble',
  '/:/rate',
  '/playQueues/**',
  '/{video,music,audio,photo}/:/transcode/**',
]);

/**
 * Refused although a list above would allow it, in any reading of the path: what changes a library, reads any file, or makes
 * the server ask another one.
 */
const REFUSED = compilePatterns([
  '/library/file/**',
  '/library/**/{refresh,analyze,emptytrash,match,unmatch,merge,split,optimize}',
  '/player/proxy/**',
]);

/** The picture scaler fetches what its `url` argument names. */
const PICTURE_SCALER = compilePatterns(['/photo/:/transcode/**']);
const PICTURE_SOURCE = new Set(['url']);
const PICTURE_SCALER_ITSELF = compilePatterns(['/photo/:/transcode', '/photo/:/transcode/']);

/** Rule 15. `query` is the raw query. */
export function isPlexViewerRequest(method: string, path: string, query: string): boolean {
  if (!isNormalPath(path) || isRefused(path)) return false;
  if (PICTURE_SCALER(path)) return isAllowedPicture(path, query);
  return USABLE(path) || (isReading(method) && READABLE(path));
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function isRefused(path: string): boolean {
  return pathVariants(path).some(REFUSED);
}

/** Only pictures of this server that a viewer may read anyway; the scaler itself needs exactly one `url`. */
function isAllowedPicture(path: string, query: string): boolean {
  const sources = queryValues(query, PICTURE_SOURCE);
  if (sources.length > 1) return false;
  const [source] = sources;
  return source === undefined ? !PICTURE_SCALER_ITSELF(path) : isAllowedSource(source);
}

function isAllowedSource(source: string): boolean {
  const path = source.split(/[?#]/, 1)[0] ?? '';
  return isNormalPath(path) && READABLE(path) && !isRefused(path);
}
