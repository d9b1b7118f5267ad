/** The keys of [access]: who is let in, and from where. */
import { choice, duration, flag, list, networks, section, text } from '../key.ts';
import { readHost, readOrigin, readPinHash, readVersion } from '../values.ts';

const PLACES = ['lan', 'loopback'];

export const access = section('Who is let in, and from where.', {
  allowed_networks: networks({
    initial: '',
    words: PLACES,
    help: 'List of networks that are allowed without auth. Clients there may do what a viewer may, with server.token as their credential. Empty: none.',
    example: '"192.168.1.0/24, 10.8.0.5"',
  }),
  require_auth: choice(['auto', 'unlisted', 'everyone'], {
    initial: 'auto',
    help: 'unlisted: everybody but allowed_networks. everyone: allowed_networks is ignored (Plex Home, PIN mode). auto: everyone while Plex Home is on, else unlisted.',
  }),
  require_claimed: flag({
    initial: true,
    help: 'Serve nothing until the media server belongs to an account. false (enableLocalSecurity off): an unclaimed server is served, and whoever reaches it can take it.',
  }),
  lan_networks: networks({
    initial: 'auto',
    words: ['auto', 'none'],
    help: 'What counts as the LAN. auto: the on-link networks, IPv4 and IPv6, of the one interface that leads to the server (server on loopback: of the default route, if private); never tunnels, container bridges, a WAN beside another private interface, or an IPv4 prefix shorter than /16. "auto, 10.8.0.0/24" adds to it; none: there is no LAN.',
    platform: 'OpenWrt: auto is the firewall zone lan.',
    example: '"auto, 10.8.0.0/24"',
  }),
  trusted_proxies: networks({
    initial: '',
    words: PLACES,
    help: 'Networks whose X-Forwarded-For is believed: reverse proxies in front of the gateway. List single addresses. Empty: nobody.',
    platform: "Synology: DSM's own reverse proxy comes from loopback.",
    example: '"192.168.1.3"',
  }),
  allowed_hosts: list(readHost, {
    initial: [],
    accepts: 'host names or addresses, without scheme and port',
    help: 'Further Host names that are served, besides those of the certificate, the local names and address literals.',
    example: '["films.example.org"]',
  }),
  allowed_origins: list(readOrigin, {
    initial: [],
    accepts: 'origins: SCHEME://HOST[:PORT]',
    help: 'Further web apps that may use the rights of a browser that is let in.',
    example: '["https://films.example.org"]',
  }),
  sign_in_networks: networks({
    initial: 'lan, loopback',
    words: [...PLACES, 'any'],
    help: "Jellyfin, Emby: from where the server's own sign-in may be reached. any: from everywhere.",
  }),
  emby_reads_forwarded_for: flag({
    initial: false,
    help: 'State that this Emby server is set up to read X-Forwarded-For from the gateway. Without it Emby takes remote clients for local ones, so sign_in_networks may not reach beyond lan and loopback.',
  }),
  min_server_version: text(readVersion, {
    initial: 'auto',
    accepts: '"auto", "0", or a version such as "1.43.3"',
    help: 'From outside the LAN, servers below this version are not served. auto: versions known to be vulnerable; "0": off.',
  }),
  pin_hash: text(readPinHash, {
    initial: '',
    accepts: 'a line printed by `lockgate hash-pin`',
    secret: true,
    help: 'The hash of the PIN with which a browser on the LAN opens a session. Empty: no PIN sessions.',
  }),
  session_lifetime: duration({
    initial: '12h',
    min: '1m',
    max: '365d',
    help: 'How long a PIN session lasts.',
  }),
});
