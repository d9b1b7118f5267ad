import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gatewayPathOf } from '../../src/access/gateway-page.ts';
import { decide } from '../../src/access/policy.ts';
import {
  type FactChanges,
  factsWith,
  JELLYFIN,
  LISTED,
  MASKED,
  OUTDATED,
  OUTSIDE,
  SESSION,
  UNCLAIMED,
  UNKNOWN,
  WRITE,
} from './plain-facts.ts';

const paths = suite('paths under /.lockgate/');

paths('name a page byte for byte', () => {
  assert.is(gatewayPathOf('/.lockgate/'), 'status');
  assert.is(gatewayPathOf('/.lockgate/events'), 'events');
  assert.is(gatewayPathOf('/.lockgate/health'), 'health');
  assert.is(gatewayPathOf('/.lockgate/metrics'), 'metrics');
  assert.is(gatewayPathOf('/.lockgate/signin'), 'signin');
  assert.is(gatewayPathOf('/.lockgate/setup'), 'setup');
  assert.is(gatewayPathOf('/.lockgate'), 'bare');
});

paths('in disguise name no page and belong to nobody else', () => {
  const disguised = [
    '/%2elockgate/',
    '/%2elockgate/setup',
    '/%252elockgate/setup',
    '//.lockgate/',
    '//.lockgate/setup',
    '/.lockgate//setup',
    '/.lockgate/./setup',
    '/.lockgate/../.lockgate/setup',
    '/x/../.lockgate/setup',
    '/x/%2e%2e/.lockgate/setup',
    '/.LOCKGATE/setup',
    '/.Lockgate',
    '/.lock%67ate/setup',
    '/.lockgate%2fsetup',
    '/.lockgate%2Fsetup',
    '/.lockgate\\setup',
    '\\.lockgate\\setup',
    '/.lockgate/setup/',
    '/.lockgate/setup/x',
    '/.lockgate/trust/',
    '/.lockgate/trust/root.pem',
    '/.lockgate/trust/../trust',
    '/.lockgate/setup%00',
    '/.lockgate/setup;x=1',
    '/.lockgate;x/setup',
    '/.lockgate/Setup',
    '/.lockgate/unknown',
    '/./.lockgate/setup',
  ];
  for (const path of disguised) assert.is(gatewayPathOf(path), 'other', path);
});

paths('that only look alike are the media server’s', () => {
  const alike = [
    '/',
    '/library',
    '/lockgate/',
    '/.lockgates/',
    '/.lockgate-x',
    '/web/.lockgate/',
    '/..lockgate/',
    '*',
    '/a%2fb',
  ];
  for (const path of alike) assert.is(gatewayPathOf(path), 'elsewhere', path);
});

paths.run();

/** What comes of a request for a page: the page and its scope, or the refusal. */
function outcome(...changes: readonly FactChanges[]): string {
  const decision = decide(factsWith(...changes));
  if ('needs' in decision) return 'needs credentials';
  assert.is(decision.rule, 'gateway-page');
  if (decision.action === 'page') return `${decision.page} ${decision.scope}`;
  if (decision.action === 'refuse') return `${decision.status} ${decision.reason}`;
  return decision.action === 'redirect' ? `${decision.status} ${decision.location}` : decision.action;
}

type Case = readonly [story: string, changes: readonly FactChanges[], expected: string];

function cases(name: string, list: readonly Case[]): void {
  const pages = suite(name);
  for (const [story, changes, expected] of list) pages(story, () => assert.is(outcome(...changes), expected));
  pages.run();
}

const at = (gatewayPath: NonNullable<FactChanges['gatewayPath']>): FactChanges => ({ gatewayPath });
const FOREIGN: FactChanges = { hostIsForeign: true };

cases('gateway pages', [
  ['are not what a disguised path names', [at('other')], '404 not-found'],
  [
    'are not shown under a foreign Host, credentials or not',
    [at('status'), FOREIGN, { credentials: 'valid' }],
    '421 host',
  ],
  ['do not say under a foreign Host which there are', [at('other'), FOREIGN, { credentials: 'valid' }], '421 host'],
  ['are found without the last slash', [at('bare')], '308 /.lockgate/'],
]);

cases('health page', [
  ['is for anybody', [at('health'), OUTSIDE], 'health none'],
  ['answers whatever the server does', [at('health'), UNKNOWN], 'health none'],
  [
    'answers under a foreign Host with credentials too',
    [at('health'), FOREIGN, { credentials: 'unverified' }],
    'health none',
  ],
  ['is only read', [at('health'), WRITE], '405 not-permitted'],
]);

cases('metrics page', [
  ['is for those it is meant for', [at('metrics'), { mayReadMetrics: true }], 'metrics everything'],
  [
    'is not for others, whatever their credentials',
    [at('metrics'), LISTED, { credentials: 'valid' }],
    '403 not-permitted',
  ],
  ['is only read', [at('metrics'), WRITE, { mayReadMetrics: true }], '405 not-permitted'],
]);

const STATUS_CASES: readonly Case[] = [
  ['shows the lights to the LAN', [at('status')], 'status lights'],
  ['shows everything to loopback', [at('status'), { place: 'loopback' }], 'status everything'],
  ['shows everything to a listed client', [at('status'), LISTED], 'status everything'],
  ['does not while the list is not in force', [at('status'), LISTED, { listIsInForce: false }], 'status lights'],
  ['shows everything to a session', [at('status'), SESSION], 'status everything'],
  ['does not take a session from outside', [at('status'), SESSION, OUTSIDE], '401 no-credentials'],
  ['has credentials verified', [at('status'), OUTSIDE, { credentials: 'unverified' }], 'needs credentials'],
  [
    'shows everything with good credentials, from anywhere',
    [at('status'), OUTSIDE, { credentials: 'valid' }],
    'status everything',
  ],
  [
    'shows nothing with bad ones from outside',
    [at('status'), OUTSIDE, { credentials: 'invalid', invalidStatus: 498 }],
    '498 bad-credentials',
  ],
  ['shows the lights with bad ones on the LAN', [at('status'), { credentials: 'invalid' }], 'status lights'],
  ['shows nothing to others', [at('status'), OUTSIDE], '401 no-credentials'],
  ['shows nothing to masked clients', [at('status'), MASKED], '401 no-credentials'],
  [
    'does not verify when the budget is spent',
    [at('status'), OUTSIDE, { credentials: 'unverified', throttledForSeconds: 9 }],
    '429 throttled',
  ],
  [
    'shows the lights to the LAN all the same',
    [at('status'), { credentials: 'unverified', throttledForSeconds: 9 }],
    'status lights',
  ],
  ['asks an unclaimed server nothing', [at('status'), UNCLAIMED, { credentials: 'unverified' }], 'status lights'],
  [
    'takes nothing for good that an unclaimed server said',
    [at('status'), UNCLAIMED, OUTSIDE, { credentials: 'valid' }],
    '401 no-credentials',
  ],
  [
    'asks an outdated server nothing for those outside',
    [at('status'), OUTDATED, OUTSIDE, { credentials: 'unverified' }],
    '401 no-credentials',
  ],
  ['is only read', [at('status'), LISTED, WRITE], '405 not-permitted'],
];

cases('status page', STATUS_CASES);
cases(
  'stream of the status page',
  STATUS_CASES.map(([story, changes, expected]) => [
    story,
    [...changes, at('events')],
    expected.replace('status', 'events'),
  ]),
);

cases('stream of the status page, asked by a foreign page', [
  ['is refused', [at('events'), { pageIsForeign: true }], '403 origin'],
  ['is refused on loopback too', [at('events'), { pageIsForeign: true, place: 'loopback' }], '403 origin'],
]);

const OWN: FactChanges = { ...WRITE, originIsOwn: true };

cases('sign-in page', [
  ['is shown on the LAN', [at('signin')], 'signin none'],
  ['is shown on loopback', [at('signin'), { place: 'loopback' }], 'signin none'],
  ['takes its own form', [at('signin'), OWN], 'signin none'],
  ['takes no form of another page', [at('signin'), WRITE], '403 origin'],
  ['knows no other method', [at('signin'), OWN, { method: 'DELETE' }], '405 not-permitted'],
  ['is not for those outside', [at('signin'), OUTSIDE, OWN], '403 not-permitted'],
  ['is not for masked clients', [at('signin'), MASKED], '403 not-permitted'],
  ['is not there without a PIN', [at('signin'), { hasPin: false }], '404 not-found'],
]);

cases('set-up page', [
  ['is shown on the LAN while the server is unclaimed', [at('setup'), UNCLAIMED], 'setup none'],
  ['is shown while the server is signed out', [at('setup'), { server: { state: 'signed-out' } }], 'setup none'],
  ['takes its own form', [at('setup'), UNCLAIMED, OWN], 'setup none'],
  ['takes no form of another page', [at('setup'), UNCLAIMED, WRITE], '403 origin'],
  ['is not there once the server is claimed', [at('setup')], '404 not-found'],
  ['says that it is done a moment longer', [at('setup'), { isSetupUnderWay: true }], 'setup none'],
  ['waits for a server that does not answer', [at('setup'), UNKNOWN], '503 starting'],
  ['is not for those outside', [at('setup'), UNCLAIMED, OUTSIDE], '403 not-permitted'],
  ['is not for masked clients', [at('setup'), UNCLAIMED, MASKED], '403 not-permitted'],
  [
    'is not there for kinds with a wizard of their own',
    [at('setup'), { server: { ...JELLYFIN.server, state: 'unclaimed' } }],
    '404 not-found',
  ],
]);

cases('trust page', [
  ['is shown on the LAN', [at('trust')], 'trust none'],
  ['is shown on loopback', [at('trust'), { place: 'loopback' }], 'trust none'],
  ['is shown while nothing else is served', [at('trust'), UNCLAIMED], 'trust none'],
  ['is shown to a listed client from afar', [at('trust'), OUTSIDE, LISTED], 'trust none'],
  ['is not for those outside', [at('trust'), OUTSIDE], '403 not-permitted'],
  [
    'is not for those outside with credentials either',
    [at('trust'), OUTSIDE, { credentials: 'valid' }],
    '403 not-permitted',
  ],
  ['is not for masked clients', [at('trust'), MASKED], '403 not-permitted'],
  ['is not shown under a foreign Host', [at('trust'), FOREIGN, { credentials: 'valid' }], '421 host'],
  ['is only read', [at('trust'), WRITE], '405 not-permitted'],
]);

const details = suite('refusals of pages');

details('tell a masked client why, and what to do instead', () => {
  const decision = decide(factsWith(at('setup'), UNCLAIMED, MASKED));
  assert.ok('detail' in decision);
  assert.match(decision.detail, 'does not say who is asking');
  assert.match(decision.detail, 'lockgate setup --code');
});

details.run();
