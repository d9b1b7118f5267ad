/** Whether the list of `allowed_networks` is in force, and why: it is not while Plex Home or `everyone` mode says otherwise. */

export type RequireAuth = 'auto' | 'unlisted' | 'everyone';

/** The list in force or not, with the reason. `home-unknown`: nothing says whether Plex Home is on, so the list holds. */
export interface ListStanding {
  readonly isInForce: boolean;
  readonly because: 'unlisted' | 'everyone' | 'home-on' | 'home-off' | 'home-unknown';
}

const UNLISTED: ListStanding = { isInForce: true, because: 'unlisted' };
const EVERYONE: ListStanding = { isInForce: false, because: 'everyone' };
const HOME_ON: ListStanding = { isInForce: false, because: 'home-on' };
const HOME_OFF: ListStanding = { isInForce: true, because: 'home-off' };
const HOME_UNKNOWN: ListStanding = { isInForce: true, because: 'home-unknown' };

/** `plexHome`: whether Plex Home is on; undefined when that cannot be known. */
export function listStanding(requireAuth: RequireAuth, plexHome: boolean | undefined): ListStanding {
  if (requireAuth === 'everyone') return EVERYONE;
  if (requireAuth === 'unlisted') return UNLISTED;
  if (plexHome === undefined) return HOME_UNKNOWN;
  return plexHome ? HOME_ON : HOME_OFF;
}

const REASONS: Readonly<Record<ListStanding['because'], string>> = {
  unlisted: 'require_auth is "unlisted"',
  everyone: 'require_auth is "everyone"',
  'home-on': 'Plex Home is on',
  'home-off': 'there is no Plex Home',
  'home-unknown': 'whether Plex Home is on is not known',
};

/** Why the list is in force or not, for a person. */
export function reasonInWords({ because }: ListStanding): string {
  return REASONS[because];
}

const WARNINGS: Readonly<Partial<Record<ListStanding['because'], string>>> = {
  everyone: 'access.allowed_networks is ignored: require_auth is "everyone"',
  'home-on':
    'access.allowed_networks is ignored: Plex Home is on (require_auth = "unlisted" would use it all the same)',
  'home-unknown': 'access.allowed_networks holds without knowing whether Plex Home is on',
};

/** What will surprise about a list that is not empty; undefined: nothing. */
export function listWarning(standing: ListStanding): string | undefined {
  return WARNINGS[standing.because];
}
