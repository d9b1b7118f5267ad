/** All commands, in the order of `--help`. What a command does is loaded when it is called: a short question must not wait for the gateway. */
import { WORKER_COMMAND } from '../gateway/workers/worker-command.ts';
import type { Command } from './command.ts';

export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    synopsis: '[--demo]',
    summary: 'the gateway, in the foreground; --demo: with a built-in sample library and no file at all',
    options: { demo: { type: 'boolean' } },
    load: () => import('./run.ts'),
  },
  {
    name: 'init',
    synopsis: '',
    summary:
      'look for the server, its folder, a free port and the LAN, and write the shortest file; never over an existing one',
    load: () => import('./init.ts'),
  },
  {
    name: 'check',
    synopsis: '[--paths]',
    summary: 'say everything that is wrong with the file, what automatic values became, and what will surprise',
    options: { paths: { type: 'boolean' } },
    load: () => import('./check.ts'),
  },
  {
    name: 'status',
    synopsis: '[--gateway]',
    summary: 'what the running gateway is doing; --gateway: exit 1 only for its own faults (health checks)',
    options: { gateway: { type: 'boolean' } },
    load: () => import('./status.ts'),
  },
  {
    name: 'doctor',
    synopsis: '[--public]',
    summary: 'test the whole chain from outside in and say what to change; --public: ask public resolvers too',
    options: { public: { type: 'boolean' } },
    load: () => import('./doctor.ts'),
  },
  {
    name: 'explain',
    synopsis:
      '--from IP [--host H] [--path P] [--method M] [--plain] [--token T] [--origin O] [--session] [--forwarded-for F]',
    summary: 'the decision that such a request would get, the rule that made it, and the line that would change it',
    options: {
      from: { type: 'string' },
      host: { type: 'string' },
      path: { type: 'string' },
      method: { type: 'string' },
      plain: { type: 'boolean' },
      token: { type: 'string' },
      origin: { type: 'string' },
      session: { type: 'boolean' },
      'forwarded-for': { type: 'string' },
    },
    load: () => import('./explain.ts'),
  },
  {
    name: 'snippet',
    synopsis: 'TARGET',
    summary:
      'the lines to paste for dnsmasq, openwrt, unbound, pfsense, opnsense, pihole, adguardhome, coredns, fritzbox, asuswrt, mikrotik, hosts; nas: the daily push of the certificate',
    operands: [1, 1],
    load: () => import('./snippet.ts'),
  },
  {
    name: 'certificate',
    synopsis: 'import [FILE or -]',
    summary: "take the media server's PKCS#12, check key, zone and dates, keep it and swap it in",
    operands: [1, 2],
    load: () => import('./certificate.ts'),
  },
  {
    name: 'login',
    synopsis: '',
    summary: 'link the gateway to a media-server account for clients that are let in; prints a code for plex.tv/link',
    load: () => import('./login.ts'),
  },
  {
    name: 'setup',
    synopsis: '[--code CODE] [--new-server]',
    summary: 'print the claim link and rewrite the setup file; claim from the shell; forget the remembered server',
    options: { code: { type: 'string' }, 'new-server': { type: 'boolean' } },
    load: () => import('./setup.ts'),
  },
  {
    name: 'hash-pin',
    synopsis: '',
    summary: 'ask for a PIN and print the value for [access] pin_hash',
    load: () => import('./hash-pin.ts'),
  },
  {
    name: 'ca',
    synopsis: '[--mobileconfig | --fingerprint]',
    summary:
      "print the private CA's certificate (PEM), a profile for Apple devices, or the fingerprint to compare; the page /.lockgate/trust says how to install it",
    options: { mobileconfig: { type: 'boolean' }, fingerprint: { type: 'boolean' } },
    load: () => import('./ca.ts'),
  },
  {
    name: 'openwrt',
    synopsis: 'apply [--wan] | undo',
    summary:
      "as root on a router: its DNS leads the gateway's names here, its DHCP keeps the media server's address; --wan: its firewall lets the port in; undo takes it back",
    operands: [1, 1],
    options: { wan: { type: 'boolean' } },
    load: () => import('./openwrt.ts'),
  },
  {
    name: 'reload',
    synopsis: '',
    summary: 'ask the running gateway to reload; says whether the new file was taken, or why not',
    load: () => import('./reload.ts'),
  },
  {
    name: 'version',
    synopsis: '',
    summary: 'version, Node version, build target',
    load: () => import('./version.ts'),
  },
];

/** Commands that the program calls itself with. */
export const INNER_COMMANDS: readonly Command[] = [
  { name: WORKER_COMMAND, synopsis: '', summary: 'serves for a running gateway', load: () => import('./worker.ts') },
];
