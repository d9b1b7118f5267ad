/** The keys of [metrics], [limits], [log], [run] and [state]: how the gateway itself runs. */
import { choice, count, duration, networks, path, section, text } from '../key.ts';
import { readPath, readUser } from '../values.ts';

export const metrics = section('Counters in the Prometheus text format, at /.lockgate/metrics.', {
  allow_clients: networks({ initial: 'loopback', words: ['lan', 'loopback'], help: 'Who may read them.' }),
});

export const limits = section('What one client, and all of them together, may take.', {
  connections: count({ initial: 2048, min: 1, max: 65_535, help: 'Client connections at a time.' }),
  connections_per_client: count({
    initial: 256,
    min: 1,
    max: 65_535,
    help: 'Connections at a time from one IPv4 address or IPv6 /64.',
  }),
  header_bytes: count({
    initial: 65_536,
    min: 1024,
    max: 1_048_576,
    help: 'The largest request head, in bytes. Plex apps send heads of many KiB. Takes effect at the next start.',
  }),
  upstream_first_byte: duration({
    initial: '120s',
    min: '1s',
    max: '24h',
    help: 'How long the media server may stay silent before its answer begins. Starting a transcode takes up to a minute. Takes effect at the next start.',
  }),
  auth_failures: count({
    initial: 10,
    min: 1,
    max: 1_000_000,
    help: 'Different wrong credentials or PINs from one IPv4 address or IPv6 /64 within auth_window.',
  }),
  auth_window: duration({
    initial: '5m',
    min: '1s',
    max: '24h',
    help: 'The time over which auth_failures are counted.',
  }),
});

export const log = section('What is written to standard output.', {
  level: choice(['trace', 'debug', 'info', 'warn', 'error'], {
    initial: 'info',
    help: 'The least level that is written.',
  }),
  format: choice(['auto', 'json', 'text'], {
    initial: 'auto',
    help: 'json: one object in a line. text: for people. auto: text on a terminal, else json. Takes effect at the next start.',
  }),
  access: choice(['all', 'refused', 'none'], { initial: 'refused', help: 'Which requests get a line of their own.' }),
});

export const run = section('The process.', {
  user: text(readUser, {
    initial: '',
    accepts: 'a user name or number',
    help: 'The user to become once the ports are bound. Empty: stay who started it. Takes effect at the next start.',
    platform: 'OpenWrt, Synology and Docker packages start as a user of their own: leave it empty.',
  }),
  workers: count({
    initial: 1,
    min: 1,
    max: 64,
    help: 'Processes that serve. 1: the gateway is one process. 2 or more: so many beside the main one, each with 22 MB of memory of its own, 50 under load. It pays where one core is busy and others are not: several streams at a time on a slow processor. Limits hold for all of them together. Takes effect at the next start.',
  }),
});

export const state = section('What the gateway remembers.', {
  dir: path(readPath, {
    initial: '',
    help: 'The folder for keys, the imported certificate and what was learnt. Empty: $LOCKGATE_STATE, else /var/lib/lockgate. Takes effect at the next start.',
  }),
});
