/** Every page in every state, with plausible content. */

import { ERROR_PAGE_HEADERS, type ErrorPageContent, renderErrorPage } from '../../src/http/pages/error-page.ts';
import type { RenderedPage } from '../../src/http/pages/layout.ts';
import { renderSetupPage } from '../../src/http/pages/setup-page.ts';
import { renderSignInPage } from '../../src/http/pages/signin-page.ts';
import { renderStatusPage } from '../../src/http/pages/status-page.ts';
import type { Light } from '../../src/http/pages/status-view.ts';
import { renderNothingToTrust, renderTrustPage } from '../../src/http/pages/trust-page.ts';

const serverName = 'Living room';

const lights: readonly Light[] = [
  { name: 'Media server', verdict: 'good', summary: 'Living room answers: version 1.43.4.' },
  { name: 'Claimed', verdict: 'good', summary: 'It belongs to an account.' },
  {
    name: 'Names',
    verdict: 'good',
    summary: 'Names of 0123456789abcdef0123456789abcdef.films.example lead to the gateway.',
  },
  {
    name: 'Certificate',
    verdict: 'attention',
    summary: 'It expires in 12 days.',
    remedy: 'The server renews its own; “lockgate doctor” says why the new one has not arrived.',
  },
  { name: 'Remote access', verdict: 'unknown', summary: 'Nobody from outside has connected yet.' },
];
const asker = {
  address: '192.168.1.42',
  place: 'lan',
  rule: 'default',
  meaning: 'You need to sign in, with the app or with a PIN.',
} as const;

const visit = { asker, asOf: '12:03:04' };
const snippets = [
  {
    router: 'OpenWrt',
    text: "uci add_list dhcp.@dnsmasq[0].rebind_domain='0123456789abcdef0123456789abcdef.plex.direct'",
  },
  { router: 'FRITZ!Box', text: '# Home Network > Network > Network Settings > DNS Rebind Protection:\nplex.direct' },
];

const everything = {
  scope: 'everything',
  lights,
  version: '0.1.0',
  serverName,
  clients: [
    { address: '192.168.1.42', isAtHome: true, rule: 'valid', connections: 3, requests: 1, webSockets: 1 },
    {
      address: '2001:db8:85a3::8a2e:370:7334',
      isAtHome: false,
      rule: 'admitted',
      connections: 1,
      requests: 0,
      webSockets: 0,
    },
    { address: '198.51.100.7', isAtHome: false, rule: null, connections: 1, requests: 0, webSockets: 0 },
  ],
  dnsCounters: [
    { what: 'Answered', count: 4711 },
    { what: 'From the cache', count: 3012 },
  ],
  certificates: [
    { names: ['*.0123456789abcdef0123456789abcdef.plex.direct'], source: 'server', daysLeft: 12 },
    { names: ['lockgate.home.arpa', '192.168.1.2'], source: 'private CA', daysLeft: 364 },
  ],
  listeners: [
    { purpose: 'HTTP and HTTPS', endpoint: '0.0.0.0:32443' },
    { purpose: 'HTTP and HTTPS', endpoint: '[::]:32443' },
    { purpose: 'DNS', endpoint: '127.0.0.1:5354' },
  ],
  lanNetworks: ['192.168.1.0/24', 'fd12:3456:789a:1::/64'],
  refusals: [
    {
      secondsAgo: 42,
      address: '192.168.7.19',
      method: 'GET',
      path: '/library/sections/2/all',
      reason: 'no-credentials',
      rule: 'default',
      remedy: 'allowed_networks = "192.168.7.19"',
    },
    {
      secondsAgo: 5400,
      address: '2001:db8:85a3::8a2e:370:7334',
      method: 'POST',
      path: '/myplex/claim',
      reason: 'unclaimed',
      rule: 'claim-guard',
    },
    {
      secondsAgo: 86_000,
      address: '198.51.100.7',
      method: 'GET',
      path: '/',
      reason: 'host',
      rule: 'host',
      remedy: 'allowed_hosts = ["films.example"]',
    },
  ],
} as const;

const trust = {
  rootName: 'lockgate private CA 3f9a0c51',
  fingerprint: Array.from({ length: 32 }, (_, index) =>
    (index * 37 + 11).toString(16).padStart(2, '0').slice(-2).toUpperCase(),
  ).join(':'),
  notAfter: new Date('2036-11-20T00:00:00Z'),
  domains: ['home.arpa', 'internal', 'lan', 'local', 'localhost', 'films.example.org'],
  endpoint: '192.168.1.2:32443',
  isTls: false,
  device: undefined,
} as const;

const errorPage = (content: ErrorPageContent): RenderedPage => ({
  html: renderErrorPage(content),
  headers: ERROR_PAGE_HEADERS,
});

/** By a name that says page and state. */
export const SAMPLE_PAGES: Readonly<Record<string, RenderedPage>> = {
  'error-sign-in': errorPage({
    status: 401,
    title: 'Sign in first',
    detail: 'Authentication required; sign in to the media server in the app.',
    reason: 'no-credentials',
    signInPath: '/.lockgate/signin',
  }),
  'error-server-down': errorPage({
    status: 503,
    title: 'The media server does not answer',
    detail: 'The media server does not answer; start it, or set [server] url.',
    reason: 'server-down',
  }),
  'signin-ready': renderSignInPage({ state: 'ready', serverName }),
  'signin-wrong-pin': renderSignInPage({ state: 'wrong-pin', serverName }),
  'signin-throttled': renderSignInPage({ state: 'throttled', waitSeconds: 240, serverName }),
  'signin-signed-in': renderSignInPage({ state: 'signed-in', serverName }),
  'signin-signed-out': renderSignInPage({ state: 'signed-out', serverName }),
  'signin-not-set-up': renderSignInPage({ state: 'not-set-up', serverName: undefined }),
  'setup-ready': renderSetupPage({ state: 'ready', serverName }),
  'setup-wrong-key': renderSetupPage({ state: 'wrong-key', serverName }),
  'setup-rejected-code': renderSetupPage({ state: 'rejected-code', serverName }),
  'setup-unreachable': renderSetupPage({ state: 'unreachable', serverName }),
  'setup-waiting': renderSetupPage({ state: 'waiting', serverName }),
  'setup-done': renderSetupPage({ state: 'done', serverName }),
  'setup-throttled': renderSetupPage({ state: 'throttled', waitSeconds: 3000, serverName }),
  'setup-other-subnet': renderSetupPage({ state: 'other-subnet', serverUrl: 'http://192.168.9.5:32400', serverName }),
  'trust-plain': renderTrustPage(trust),
  'trust-ios': renderTrustPage({ ...trust, device: 'ios', isTls: true }),
  'trust-tv': renderTrustPage({ ...trust, device: 'tv', endpoint: undefined }),
  'trust-nothing': renderNothingToTrust(),
  'status-lights': renderStatusPage({ scope: 'lights', lights }, visit),
  'status-everything': renderStatusPage(everything, visit),
  'status-name-test': renderStatusPage(
    { scope: 'lights', lights },
    { ...visit, nameTest: { origin: 'https://127-0-0-1.invalid:1', needsTrust: true, snippets } },
  ),
  'status-empty': renderStatusPage(
    {
      ...everything,
      lights: [
        {
          name: 'Media server',
          verdict: 'fault',
          summary: 'It does not answer.',
          remedy: 'Start it, or correct server.url.',
        },
      ],
      serverName: undefined,
      clients: [],
      certificates: [],
      dnsCounters: undefined,
      lanNetworks: [],
      refusals: [],
    },
    visit,
  ),
};
