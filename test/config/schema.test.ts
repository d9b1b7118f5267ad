import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderConfigurationDocs } from '../../src/config/docs.ts';
import { renderExample } from '../../src/config/example.ts';
import { readKey } from '../../src/config/key.ts';
import { type Config, defaultConfig, namedKeys } from '../../src/config/schema.ts';
import { configOf, notesOf } from './support.ts';

const MINUTE_MS = 60_000;

/** The defaults as the interface has them, written out. */
const DOCUMENTED: Config = {
  server: {
    kind: 'auto',
    url: 'auto',
    id: '',
    data_dir: '',
    token: '',
    token_file: '',
    account_url: 'https://plex.tv',
    bare_streams: 'auto',
  },
  listen: {
    addresses: ['0.0.0.0', '::'],
    port: [32443],
    published: '',
    secure_connections: 'preferred',
    proxy_protocol_from: [],
    express: true,
    http2: false,
  },
  certificate: {
    source: 'auto',
    cert_file: '',
    key_file: '',
    key_passphrase_file: '',
    pfx_file: '',
    pfx_passphrase_file: '',
    names: [],
    preferred_chain: '',
    profile: 'modern',
  },
  acme: {
    directory: 'https://acme-v02.api.letsencrypt.org/directory',
    ca_file: '',
    profile: '',
    email: '',
    challenge: 'auto',
    hook: '',
    rfc2136_server: '',
    rfc2136_key_file: '',
    eab_id: '',
    eab_key_file: '',
  },
  access: {
    allowed_networks: [],
    require_auth: 'auto',
    require_claimed: true,
    lan_networks: ['auto'],
    trusted_proxies: [],
    allowed_hosts: [],
    allowed_origins: [],
    sign_in_networks: ['lan', 'loopback'],
    emby_reads_forwarded_for: false,
    min_server_version: 'auto',
    pin_hash: '',
    session_lifetime: 12 * 60 * MINUTE_MS,
  },
  dns: {
    enabled: true,
    listen: ['127.0.0.1:5354'],
    zones: [],
    answer: 'auto',
    gateway_addresses: [],
    upstreams: [],
    rebind_allow: ['plex.direct'],
    cache_size: 2000,
    allow_clients: ['lan', 'loopback'],
  },
  remote: { map_port: 0, public_address: 'auto', discovery: false },
  metrics: { allow_clients: ['loopback'] },
  limits: {
    connections: 2048,
    connections_per_client: 256,
    header_bytes: 65536,
    upstream_first_byte: 2 * MINUTE_MS,
    auth_failures: 10,
    auth_window: 5 * MINUTE_MS,
  },
  log: { level: 'info', format: 'auto', access: 'refused' },
  run: { user: '', workers: 1 },
  state: { dir: '' },
};

const test = suite('schema');

test('an empty file means the documented defaults', () => {
  assert.equal(configOf(''), DOCUMENTED);
  assert.equal(configOf('\n# nothing\n'), DOCUMENTED);
  assert.equal(defaultConfig(), DOCUMENTED);
});

test('an empty file surprises nobody', () => {
  assert.equal(notesOf(''), []);
});

test('the example names every key and means the same as an empty file', () => {
  const example = renderExample();
  assert.equal(configOf(example), DOCUMENTED);
  let section = '';
  const named = new Set<string>();
  for (const line of example.split('\n')) {
    section = line.match(/^\[(\w+)\]$/)?.[1] ?? section;
    const key = line.match(/^(\w+) = /)?.[1];
    if (key !== undefined) named.add(`${section}.${key}`);
  }
  assert.equal([...named].sort(), namedKeys.map(({ id }) => id).sort());
});

test('the example fits a terminal', () => {
  for (const line of renderExample().split('\n')) assert.ok(line.length <= 100, line);
});

test('the documentation page is the one that the schema gives', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
  assert.ok(page === renderConfigurationDocs(), 'docs/configuration.md is not up to date: make docs');
});

test('every key says in whole sentences what it does, and shows an example that it accepts', () => {
  for (const { id, key } of namedKeys) {
    assert.match(key.help, /^(?:[A-Z]|[a-z"][\w"-]*:).*\.$/, id);
    if (key.platform !== undefined) assert.match(key.platform, /\.$/, id);
    if (key.example === undefined) continue;
    const { example } = parse(`example = ${key.example}`);
    assert.ok('value' in readKey(key, example), id);
    assert.not.equal(example, key.initial, `${id}: its example is its default`);
  }
});

test.run();
