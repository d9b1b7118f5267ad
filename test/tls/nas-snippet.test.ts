/** The daily push from the machine that has the certificate: every line that is to be pasted is tried for what it is. */
import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderNasSnippet } from '../../src/tls/nas-snippet.ts';

const test = suite('nas snippet');

const file = "/volume1/Plex Media Server's/Cache/cert-v2.p12";
const snippet = renderNasSnippet({ gatewayHost: '192.168.1.1', gatewayUser: 'root', certificateFile: file });

function linesWith(part: string): string[] {
  return snippet.split('\n').filter((line) => !line.startsWith('#') && line.includes(part));
}

test("this site's values are filled in", () => {
  assert.equal(linesWith('root@192.168.1.1').length, 2);
  assert.ok(linesWith('BatchMode=yes').length === 1);
});

test('the shell reads the push lines as they are meant', () => {
  for (const line of linesWith('root@192.168.1.1')) {
    const traced = execFileSync('sh', ['-c', `ssh() { printf '%s|' "$@"; }; ${line.replace(/ < .*/, '')}`], {
      encoding: 'utf8',
    });
    assert.match(traced, '|/root/.ssh/lockgate|root@192.168.1.1|');
    const named = execFileSync('sh', ['-c', `printf %s ${line.slice(line.indexOf(' < ') + 3)}`], { encoding: 'utf8' });
    assert.is(named, file);
  }
  execFileSync('sh', ['-n'], { input: snippet.replace(/^(restrict|no-port).*$/gm, '') });
});

test('both authorized_keys lines force the one command', () => {
  const keyLines = linesWith('command=');
  assert.is(keyLines.length, 2);
  for (const line of keyLines) assert.match(line, /command="lockgate certificate import -" ssh-ed25519 /);
  assert.ok(keyLines[0]?.startsWith('restrict,'));
  assert.ok(keyLines[1]?.startsWith('no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,'));
});

test('what is not known is left to fill in', () => {
  const blank = renderNasSnippet({
    gatewayUser: 'root',
    importCommand: 'docker exec -i lockgate lockgate certificate import -',
  });
  assert.match(blank, 'root@GATEWAY < ');
  assert.match(blank, '/volume1/PlexMediaServer/AppData/Plex Media Server/Cache/cert-v2.p12');
  assert.match(blank, '/var/lib/plexmediaserver/');
  assert.match(blank, 'command="docker exec -i lockgate lockgate certificate import -"');
});

test.run();
