/** Whether the list of `allowed_networks` is in force, and why: it is not while Plex Home or `everyone` mode says otherwise. */

export type RequireAuth = 'auto' | 'unlisted' | 'everyone';

/** The list in force or not, with the reason. `home-unknown`: nothing says whether Plex Home is on, so the list holds. */
export interface ListStanding {
  readonly isInForce: boolean;
  readonly because: 'unlisted' | 'everyone' | 'home-on' | 'home-off' | 'home-unknown';
}

/** `plexHome`: whether Plex Home is on; undefined when it is not known, or the kind has no such thing. */
export function listStanding(requireAuth: RequireAuth, plexHome: boolean | undefined): ListStanding {
  if (requireAuth === 'everyone') return { isInForce: false, because: 'everyone' };
  if (requireAuth === 'unlisted') return { isInForce: true, because: 'unlisted' };
  if (plexHome === undefined) return { isInForce: true, because: 'home-unknown' };
  return plexHome ? { isInForce: false, because: 'home-on' } : { isInForce: true, because: 'home-off' };
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
