/** The compose files: their configurations are without fault, and what protects the gateway is in each. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'docker/compose');
const modes = readdirSync(FOLDER);

function composeFile(mode: string): string {
  return readFileSync(join(FOLDER, mode, 'compose.yaml'), 'utf8');
}

test('there is one for each way to stand before a server', () => {
  assert.equal(modes.sort(), ['host-network', 'macvlan', 'port-swap', 'port-swap-jellyfin', 'sidecar']);
});

test('the gateway reads each configuration without a fault', () => {
  for (const mode of modes) {
    const file = join(FOLDER, mode, 'lockgate/lockgate.toml');
    const paths = execFileSync(join(ROOT, 'build/lockgate'), ['check', '--paths', '--config', file], {
      encoding: 'utf8',
    });
    assert.match(paths, /lockgate\.toml/, mode);
  }
});

test('every gateway runs without rights, on a root it cannot write, within 192 MB', () => {
  for (const mode of modes) {
    const [, service = ''] = composeFile(mode).split(/^ {2}lockgate:$/m);
    for (const line of [
      'read_only: true',
      'cap_drop: [ALL]',
      'no-new-privileges:true',
      'mem_limit: 192m',
      'user: "1000:1000"',
    ]) {
      assert.ok(service.includes(line), `${mode}: ${line}`);
    }
    assert.match(service, /- \.\/(plex|jellyfin):\/config:ro/, mode);
    assert.ok(service.includes(`image: lockgate:${packageJson.version}\n`), `${mode} names another version`);
  }
});

test('where ports are swapped, the server is published to this machine alone', () => {
  for (const mode of ['port-swap', 'port-swap-jellyfin']) {
    const published = [...composeFile(mode).matchAll(/- "([^"]+:\d+)"/g)].map(([, port]) => port);
    assert.ok(published.length > 0);
    for (const port of published) assert.match(port ?? '', /^127\.0\.0\.1:/);
  }
});

test.run();
