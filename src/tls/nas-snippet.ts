/** `lockgate snippet nas`: how the machine that has the media server's certificate pushes it to the gateway every day. */

/** This site's values; what is not known is left for the reader to fill in, in capitals. */
export interface NasSite {
  /** Name or address under which the media server's machine reaches the gateway's. */
  readonly gatewayHost?: string | undefined;
  /** The account there that receives the push. */
  readonly gatewayUser: string;
  /** The command that imports from standard input, as it is called there. */
  readonly importCommand?: string;
  /** The PKCS#12 file on the media server's machine. */
  readonly certificateFile?: string;
}

const SYNOLOGY_CERTIFICATE_FILE = '/volume1/PlexMediaServer/AppData/Plex Media Server/Cache/cert-v2.p12';
const DEBIAN_CERTIFICATE_FILE =
  '/var/lib/plexmediaserver/Library/Application Support/Plex Media Server/Cache/cert-v2.p12';
const KEY_FILE = '/root/.ssh/lockgate';
const PUBLIC_KEY_PLACEHOLDER = 'ssh-ed25519 PASTE-THE-KEY-HERE lockgate';

/** The lines to paste, with comments that say where; plain text. */
export function renderNasSnippet(site: NasSite): string {
  const command = JSON.stringify(site.importCommand ?? 'lockgate certificate import -');
  const target = `${site.gatewayUser}@${site.gatewayHost ?? 'GATEWAY'}`;
  const file = site.certificateFile ?? SYNOLOGY_CERTIFICATE_FILE;
  const push = (options: string) => `ssh ${options}-i ${KEY_FILE} ${shellWord(target)} < ${shellWord(file)}`;
  const otherPlace = site.certificateFile === undefined ? [`#    (Debian, Ubuntu: ${DEBIAN_CERTIFICATE_FILE})`] : [];
  return [
    "# The media server's certificate, pushed daily to the gateway. The file holds a private key that anybody who has the file can open,",
    '# so it travels over SSH alone, with a key that can do this one thing.',
    '',
    "# 1. On the media server's machine, once, as root (Synology: over SSH, sudo -i):",
    'mkdir -p -m 700 /root/.ssh',
    `ssh-keygen -t ed25519 -N '' -C lockgate -f ${KEY_FILE}`,
    `cat ${KEY_FILE}.pub`,
    '',
    `# 2. On the gateway's machine: one line with the key that was printed, in a file of the user ${site.gatewayUser}.`,
    '#    OpenSSH, ~/.ssh/authorized_keys:',
    `restrict,command=${command} ${PUBLIC_KEY_PLACEHOLDER}`,
    '#    dropbear (OpenWrt), /etc/dropbear/authorized_keys:',
    `no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,command=${command} ${PUBLIC_KEY_PLACEHOLDER}`,
    '',
    "# 3. On the media server's machine, as root: push once by hand, and compare the fingerprint before you answer yes.",
    ...otherPlace,
    push(''),
    '',
    '# 4. Every day from then on.',
    '#    Synology: Control Panel > Task Scheduler > Create > Scheduled Task > User-defined script; user root, daily, and the line below.',
    '#    Elsewhere: the line in /etc/cron.daily/lockgate-certificate, behind a first line "#!/bin/sh", made executable.',
    push('-o BatchMode=yes '),
    '',
  ].join('\n');
}

/** One word for a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
