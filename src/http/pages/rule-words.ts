/** What the rules of the policy mean for the one who is connected. */
import type { RuleName } from '../../access/decision.ts';

export const RULES_IN_WORDS: Readonly<Record<RuleName, string>> = {
  malformed: 'refused: cannot be read',
  host: 'refused: an unknown name',
  'plain-http': 'sent to HTTPS',
  'gateway-page': 'looks at a page of the gateway',
  preflight: 'a browser that asks for leave',
  identity: 'asks who the media server is',
  'claim-guard': 'refused: the media server is not set up, or away',
  outdated: 'refused: the media server is too old for outsiders',
  throttled: 'refused: too many failed sign-ins',
  valid: 'signed in',
  unverifiable: 'refused: the sign-in cannot be verified',
  invalid: 'refused: the sign-in is not valid',
  home: 'sent to the web app',
  'web-app': 'loads the web app, without sign-in',
  origin: 'refused: a foreign web page',
  'viewer-only': 'let in without sign-in, refused this',
  admitted: 'let in by its network, without sign-in',
  session: 'let in by PIN',
  'sign-in': 'is about to sign in',
  'known-address': 'pictures and subtitles, after a sign-in from there',
  default: 'refused: not signed in',
};
