/** How each kind of device learns to trust a root certificate, in its own words; and which cannot. */
import { type Html, html } from './html.ts';

/** The forms in which the root is handed out, by what reads them. */
export const TRUST_FILES = {
  /** iPhone, iPad, Mac, Apple TV. */
  profile: '/.lockgate/trust/lockgate-ca.mobileconfig',
  /** Windows, Android: the certificate alone, DER. */
  binary: '/.lockgate/trust/lockgate-ca.crt',
  /** Linux, Firefox, curl. */
  pem: '/.lockgate/trust/lockgate-ca.pem',
} as const;

export type Device = 'ios' | 'android' | 'windows' | 'macos' | 'linux' | 'firefox' | 'apple-tv' | 'tv';

interface Instructions {
  readonly device: Device;
  readonly title: string;
  readonly steps: readonly Html[];
  /** What is still to be known when it is done. */
  readonly note?: Html;
}

const profile = html`<a href="${TRUST_FILES.profile}">the profile</a>`;
const binary = html`<a href="${TRUST_FILES.binary}">the certificate (.crt)</a>`;
const pem = html`<a href="${TRUST_FILES.pem}">the certificate (PEM)</a>`;

/** In the order in which they are shown. */
export const INSTRUCTIONS: readonly Instructions[] = [
  {
    device: 'ios',
    title: 'iPhone, iPad',
    steps: [
      html`In Safari, open ${profile} and allow the download.`,
      html`In Settings, tap <b>Profile Downloaded</b> (or General › VPN &amp; Device Management), then <b>Install</b>.`,
      html`In Settings › General › About › <b>Certificate Trust Settings</b>, switch the certificate on. Without this last step nothing changes.`,
    ],
  },
  {
    device: 'android',
    title: 'Android',
    steps: [
      html`Download ${binary}.`,
      html`In Settings, search for <b>CA certificate</b> (Security › Encryption &amp; credentials › Install a certificate), choose <b>Install anyway</b>, then the file.`,
    ],
    note: html`Chrome and other browsers trust it then; Firefox after Settings › About Firefox, seven taps on the logo, Secret Settings, <b>Use third party CA certificates</b>. Most other apps, media apps among them, do not: since Android 7 an app ignores such certificates unless its maker says otherwise.`,
  },
  {
    device: 'windows',
    title: 'Windows',
    steps: [
      html`Download and open ${binary}, then <b>Install Certificate</b>.`,
      html`Choose Local Machine, then <b>Place all certificates in the following store: Trusted Root Certification Authorities</b>.`,
      html`Close all windows of the browser and open it again.`,
    ],
    note: html`The same from a terminal of an administrator: <code>certutil -addstore Root lockgate-ca.crt</code>`,
  },
  {
    device: 'macos',
    title: 'Mac',
    steps: [
      html`Download and open ${binary}; Keychain Access adds it.`,
      html`There, open the certificate, and under Trust choose <b>Always Trust</b>.`,
    ],
    note: html`For many Macs: ${profile}, confirmed in System Settings › General › Device Management.`,
  },
  {
    device: 'linux',
    title: 'Linux',
    steps: [
      html`Download ${pem}.`,
      html`Debian, Ubuntu: <code>sudo cp lockgate-ca.pem /usr/local/share/ca-certificates/lockgate-ca.crt</code>, then <code>sudo update-ca-certificates</code>. Fedora, Arch: <code>sudo trust anchor lockgate-ca.pem</code>.`,
      html`Chrome and Chromium keep a list of their own: Settings › Privacy and security › Security › Manage certificates, and import the file there.`,
    ],
  },
  {
    device: 'firefox',
    title: 'Firefox',
    steps: [
      html`Windows, Mac: follow the steps of the system; Firefox takes its roots over.`,
      html`Linux, or where it does not: download ${pem}; Settings › Privacy &amp; Security › <b>View Certificates</b> › Authorities › Import, and tick <b>Trust this CA to identify websites</b>.`,
    ],
  },
  {
    device: 'apple-tv',
    title: 'Apple TV',
    steps: [
      html`In Settings › General › Privacy &amp; Security, highlight <b>Share Apple TV Analytics</b> and press Play on the remote instead of selecting it: that offers to add a profile.`,
      html`Type the address of the profile: this page’s own, with <code>/lockgate-ca.mobileconfig</code> behind it.`,
      html`In Settings › General › About › <b>Certificate Trust Settings</b>, switch it on.`,
    ],
    note: html`Apps that bring roots of their own do not look there.`,
  },
  {
    device: 'tv',
    title: 'Other televisions, sticks, consoles, speakers',
    steps: [],
    note: html`These cannot be taught: Samsung, LG, Google TV, Fire TV, Roku, PlayStation and Xbox have no place for a certificate that their apps would look at. For them the gateway needs a certificate that they know already: the media server’s own, or one of a public authority for a name of yours. Until then they reach it over plain HTTP, where that is allowed.`,
  },
];

/** What a browser says that it runs on; the first that fits. iPads call themselves Macs. */
const MARKS: readonly (readonly [RegExp, Device])[] = [
  [/iPhone|iPad|iPod/, 'ios'],
  [/SmartTV|SMART-TV|Tizen|Web0S|BRAVIA|AFT|GoogleTV|Android TV|PlayStation|Xbox|Roku/i, 'tv'],
  [/Android/, 'android'],
  [/Firefox\//, 'firefox'],
  [/Windows NT/, 'windows'],
  [/Macintosh/, 'macos'],
  [/Linux|X11/, 'linux'],
];

/** The instructions to unfold first, by the User-Agent header; undefined: none stands out. */
export function deviceOf(userAgent: string | undefined): Device | undefined {
  return MARKS.find(([mark]) => mark.test(userAgent ?? ''))?.[1];
}
