/** Whether the list of `allowed_networks` is in force, and why: it is not while Plex Home or `everyone` mode says otherwise. */

export type RequireAuth = 'auto' | 'unlisted' | 'everyone';

/** The list in force or not, with the reason. */
export interface ListStanding {
  readonly isInForce: boolean;
  readonly because: 'unlisted' | 'everyone' | 'home-on' | 'home-off' | 'home-unknown';
  /** What will surprise about a list that is not empty; undefined: nothing. */
  readonly warning: string | undefined;
}

const UNLISTED: ListStanding = { isInForce: true, because: 'unlisted', warning: undefined };
const EVERYONE: ListStanding = {
  isInForce: false,
  because: 'everyone',
  warning: 'access.allowed_networks is ignored: require_auth is "everyone"',
};
const HOME_ON: ListStanding = {
  isInForce: false,
  because: 'home-on',
  warning: 'access.allowed_networks is ignored: Plex Home is on (require_auth = "unlisted" would use it all the same)',
};
const HOME_OFF: ListStanding = { isInForce: true, because: 'home-off', warning: undefined };
const HOME_UNKNOWN: ListStanding = {
  isInForce: true,
  because: 'home-unknown',
  warning: 'access.allowed_networks holds without knowing whether Plex Home is on',
};

/** `plexHome`: whether Plex Home is on; undefined when that cannot be known: then the list holds. */
export function listStanding(requireAuth: RequireAuth, plexHome: boolean | undefined): ListStanding {
  if (requireAuth === 'everyone') return EVERYONE;
  if (requireAuth === 'unlisted') return UNLISTED;
  if (plexHome === undefined) return HOME_UNKNOWN;
  return plexHome ? HOME_ON : HOME_OFF;
}
