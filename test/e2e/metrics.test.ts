/** What the running gateway counts: in the Prometheus text format, in `status --json`, in the documentation and in the dashboard. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StatusReport } from '../../src/gateway/status.ts';
import { curl } from '../support/curl.ts';
import { type Family, readExposition } from '../support/exposition.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { makePlexHome, type PlexHome, type RunningProgram } from '../support/program.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const metrics = suite('metrics');
let home: PlexHome;
let gateway: RunningProgram;

metrics.before(async () => {
  home = await makePlexHome();
  const acme = `[certificate]\nnames = ["films.example.org"]\n[acme]\ndirectory = "https://127.0.0.1:9/"\n`;
  home.installation.configure(home.toml(`[dns]\nlisten = ["127.0.0.1:0"]\n${acme}`));
  gateway = await home.installation.run();
  // Nobody is there.
  await gateway.line((line) => String(line['message']).startsWith('no certificate:'));
});
metrics.after(() => home.close());

const at = (path: string) => `127.0.0.1:${gateway.port}${path}`;

async function scrape(): Promise<Map<string, Family>> {
  const answer = await curl(`http://${at('/.lockgate/metrics')}`);
  assert.is(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  return readExposition(answer.body);
}

function totalOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const wanted = families
    .get(name)
    ?.series.filter((series) => Object.entries(labels).every(([key, value]) => series.labels[key] === value));
  return (wanted ?? []).reduce((sum, { value }) => sum + value, 0);
}

const TOKEN = ['-H', `X-Plex-Token: ${OWNER_TOKEN}`];

metrics('are in the format that scrapers read, and count by lane, rule and class', async () => {
  const before = await scrape();
  await curl(...TOKEN, `http://${at('/library/sections')}`);
  await curl(...TOKEN, '-k', '-X', 'POST', `https://${at('/:/timeline')}`);
  await curl('-k', `https://${at('/library/sections')}`);
  const after = await scrape();
  const grown = (name: string, labels: Record<string, string> = {}) =>
    totalOf(after, name, labels) - totalOf(before, name, labels);
  assert.is(grown('lockgate_requests_total', { lane: 'express', rule: 'valid', status: '2xx' }), 1);
  assert.is(grown('lockgate_requests_total', { lane: 'full', rule: 'valid' }), 1);
  assert.is(grown('lockgate_requests_total', { rule: 'default', status: '4xx' }), 1);
  assert.is(grown('lockgate_tls_handshakes_total'), 2);
  const latency = (families: Map<string, Family>) =>
    families.get('lockgate_upstream_latency_seconds')?.series.find(({ name }) => name.endsWith('_count'))?.value ?? 0;
  assert.is(latency(after) - latency(before), 2);
  assert.is(totalOf(after, 'lockgate_server_reachable'), 1);
  assert.is(totalOf(after, 'lockgate_server_claimed'), 1);
  assert.is(totalOf(after, 'lockgate_remote_port', { family: 'ipv4' }), 1);
  assert.ok(totalOf(after, 'lockgate_certificate_days_left') > 0);
  assert.is(totalOf(after, 'lockgate_acme_last_attempt_succeeded'), 0);
  assert.ok(Math.abs(totalOf(after, 'lockgate_acme_last_attempt_time_seconds') - Date.now() / 1000) < 120);
  assert.ok(totalOf(after, 'lockgate_acme_next_attempt_time_seconds') > Date.now() / 1000);
  assert.ok(totalOf(after, 'lockgate_resident_memory_bytes') > 1_000_000);
  assert.ok(Date.now() / 1000 - totalOf(after, 'lockgate_start_time_seconds') < 120);
});

metrics('say the same as status --json', async () => {
  await curl(...TOKEN, `http://${at('/library/sections')}`);
  const [families, outcome] = [await scrape(), await home.installation.command(['status', '--json'])];
  const { traffic, dns } = JSON.parse(outcome.stdout) as StatusReport;
  for (const { count, ...labels } of traffic.requestsBy.filter(({ rule }) => rule === 'valid')) {
    assert.is(totalOf(families, 'lockgate_requests_total', labels), count, JSON.stringify(labels));
  }
  const sum = families
    .get('lockgate_upstream_latency_seconds')
    ?.series.find(({ name }) => name.endsWith('_sum'))?.value;
  assert.is(traffic.upstreamSeconds.sum, sum);
  assert.is(traffic.tlsHandshakes, totalOf(families, 'lockgate_tls_handshakes_total'));
  assert.is(dns?.counters['answered'], totalOf(families, 'lockgate_dns_answered_total'));
});

metrics('are all in the documentation, which names no other', async () => {
  const page = readFileSync(join(DOCS, 'metrics.md'), 'utf8');
  const documented = new Set(page.match(/(?<=`)lockgate_\w+(?=`)/g));
  assert.equal([...documented].sort(), [...(await scrape()).keys()].sort());
});

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

metrics('of the dashboard exist, and every family has its panel', async () => {
  const dashboard = JSON.parse(readFileSync(join(DOCS, 'grafana-dashboard.json'), 'utf8')) as {
    panels: readonly Panel[];
    templating: { list: readonly { query: string | { query: string } }[] };
  };
  const families = await scrape();
  const series = new Set(
    [...families.values()].flatMap((family) => [...family.series.map(({ name }) => name), family.name]),
  );
  const shown = new Set<string>();
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets) {
      const names = expr.match(/lockgate_\w+/g) ?? [];
      assert.ok(names.length > 0, title);
      for (const name of names) {
        assert.ok(series.has(name), `${title}: ${name}`);
        shown.add(name.replace(/_(?:bucket|sum|count)$/, ''));
      }
    }
  }
  for (const { query } of dashboard.templating.list) {
    const text = typeof query === 'string' ? query : query.query;
    for (const name of text.match(/lockgate_\w+/g) ?? []) assert.ok(series.has(name), name);
  }
  assert.equal([...shown].sort(), [...families.keys()].sort());
});

metrics('have labels that the dashboard and the documentation name', async () => {
  const families = await scrape();
  const text =
    readFileSync(join(DOCS, 'metrics.md'), 'utf8') + readFileSync(join(DOCS, 'grafana-dashboard.json'), 'utf8');
  const labels = new Set(
    [...families.values()].flatMap(({ series }) => series.flatMap((one) => Object.keys(one.labels))),
  );
  for (const label of labels) assert.match(text, new RegExp(`\`${label}\``), label);
});

metrics.run();
