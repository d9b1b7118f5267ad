/** The keys of [server]: the media server behind the gateway. */
import { choice, path, section, text } from '../key.ts';
import { readPath, readUrl, readWord } from '../values.ts';

const readServerUrl = (written: string) =>
  written === 'auto' ? { value: written } : readUrl(written, ['http', 'https']);

export const server = section('The media server behind the gateway.', {
  kind: choice(['auto', 'plex', 'jellyfin', 'emby', 'generic'], {
    initial: 'auto',
    help: 'What the server is. auto asks it. generic is any web server: no identity, no accounts, everybody who comes in comes by network or PIN.',
  }),
  url: text(readServerUrl, {
    initial: 'auto',
    accepts: '"auto", or http(s)://HOST:PORT with an optional base path',
    help: 'Where the server is. auto looks on this host (ports 32400 and 8096), then on the LAN (GDM, UDP 7359).',
    example: '"http://192.168.1.10:32400"',
  }),
  id: text(readWord, {
    initial: '',
    accepts: 'the identifier that the server gives itself',
    help: "The server's machine identifier. Empty: the first one found is remembered; when several are found none is used and they are listed.",
  }),
  data_dir: path(readPath, {
    initial: '',
    help: "The server's data folder, when it can be read from here: its certificate and preferences are in it. Empty: the usual places are tried.",
    platform:
      'Synology: the package user needs read permission for it (Control Panel, Shared Folder, PlexMediaServer, Permissions, System internal user). Docker: mount the folder, not single files.',
    example: '"/var/lib/plexmediaserver/Library/Application Support/Plex Media Server"',
  }),
  token: text(readWord, {
    initial: '',
    accepts: 'a token of the media server',
    secret: true,
    help: 'What clients that are let in by network or PIN get as their credential (plex only). Best that of a managed user: `lockgate login` makes one.',
  }),
  token_file: path(readPath, {
    initial: '',
    help: 'The file that holds the token, instead of token. One line, mode 0600.',
  }),
  account_url: text((written) => readUrl(written, ['https', 'http']), {
    initial: 'https://plex.tv',
    accepts: 'an http(s) URL',
    help: "The account service that is asked when the server's own answers prove nothing.",
  }),
  bare_streams: choice(['auto', true, false], {
    initial: 'auto',
    help: 'Drop the X-Plex-* headers other than the token on /library/streams, which some servers answer with an error. auto does so for plex.',
  }),
});
