/** What Jellyfin and Emby let anybody do: sign in, and fetch the media for which apps send no token. Routes ignore case. */
import { isNormalPath, pathVariants } from '../lib/path.ts';
import { compilePatterns } from './path-patterns.ts';

const SIGN_IN_READS = [
  '/',
  '/favicon.ico',
  '/health',
  '/System/Ping',
  '/Branding/{Configuration,Css,Css.css,Splashscreen}',
  '/Users/Public',
  '/UserImage',
  '/Users/*/Images/**',
  '/QuickConnect/{Enabled,Connect}',
  '/GetUtcTime',
  '/web/ConfigurationPage',
];
const SIGN_IN_POSTS = [
  '/System/Ping',
  '/Users/AuthenticateByName',
  '/Users/AuthenticateWithQuickConnect',
  '/Users/*/Authenticate',
  '/QuickConnect/Initiate',
  '/Users/ForgotPassword',
  '/Users/ForgotPassword/Pin',
];
const TOKENLESS_MEDIA = [
  '/{Items,Artists,Persons,Genres,MusicGenres,Studios}/*/Images/**',
  '/Videos/*/*/Subtitles/**',
  '/Videos/*/*/Attachments/*',
  '/Videos/*/hls*/**',
  '/Audio/*/hls/**',
  '/Plugins/*/*/Image',
];

/** Whoever reaches the set-up wizard owns the server: refused in every reading, wherever the routes begin. */
const isWizard = compilePatterns(['/**/startup/**']);

export interface MediaBrowserPaths {
  isIdentity(path: string): boolean;
  isWebClient(path: string): boolean;
  isViewerRequest(path: string): boolean;
  isSignIn(method: string, path: string): boolean;
  isTokenlessMedia(path: string): boolean;
}

/** True for the wizard that sets the first administrator, however the path is written. */
export function isWizardPath(path: string): boolean {
  return pathVariants(path).some(isWizard);
}

/** The lists for a server whose routes may begin with one of `optionalPrefixes`. */
export function mediaBrowserPaths(optionalPrefixes: readonly string[]): MediaBrowserPaths {
  const granting = (patterns: readonly string[]) => {
    const matches = compilePatterns(patterns, { ignoreCase: true, optionalPrefixes });
    return (path: string) => isNormalPath(path) && matches(path);
  };
  const isSignInRead = granting(SIGN_IN_READS);
  const isSignInPost = granting(SIGN_IN_POSTS);
  return {
    isIdentity: granting(['/System/Info/Public']),
    isWebClient: granting(['/web/**']),
    isViewerRequest: (path) => isNormalPath(path) && !isWizardPath(path),
    isSignIn(method, path) {
      if (method === 'GET' || method === 'HEAD') return isSignInRead(path);
      return method === 'POST' && isSignInPost(path);
    },
    isTokenlessMedia: granting(TOKENLESS_MEDIA),
  };
}
