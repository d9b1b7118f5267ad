/** A home whose router answers nothing, nor does anybody behind it: `doctor` says so, and soon. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';
import { Installation, PROGRAM } from '../support/program.ts';

const test = suite('silent router');
const there = inNamespaces(test);
/** What `doctor` may take longer than where there is nobody to ask. */
const PATIENCE_MS = 6_000;

/** Gives a host a default route into the void: its packets go out, and nobody takes them. */
function addSilentRouter(host: Namespace): void {
  host.ip(
    'link add lan0 type veth peer name lan1',
    'link set lan0 up',
    'link set lan1 up',
    'addr add 192.168.7.2/24 dev lan0',
    'neigh add 192.168.7.1 lladdr 02:00:00:00:00:01 dev lan0 nud permanent',
    'route add default via 192.168.7.1',
  );
}

function runDoctor(host: Namespace, { env }: Installation): { text: string; tookMs: number } {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value ?? ''}`);
  const startedMs = performance.now();
  const text = host.run('sh', '-c', 'env "$@" || true', 'sh', ...variables, PROGRAM, 'doctor', '--json');
  return { text, tookMs: performance.now() - startedMs };
}

for (const source of ['auto', 'https://192.0.2.7/ip', 'stun:192.0.2.7:3478', 'https://echo.example/ip']) {
  there(`doctor does not wait for it (public_address = "${source}")`, async () => {
    const host = await makeNamespace();
    const installation = new Installation(
      `[server]\nurl = "http://127.0.0.1:1"\n[remote]\nmap_port = 32400\npublic_address = "${source}"\n`,
    );
    const alone = runDoctor(host, installation);
    addSilentRouter(host);
    const { text, tookMs } = runDoctor(host, installation);
    const { checks } = JSON.parse(text) as { checks: { name: string; verdict: string; evidence: string }[] };
    const verdict = (name: string) => checks.find((check) => check.name === name)?.verdict;
    assert.is(verdict('nat'), 'unknown');
    assert.is(verdict('server'), 'fault');
    const waitedMs = tookMs - alone.tookMs;
    assert.ok(waitedMs < PATIENCE_MS, `${Math.round(waitedMs)} ms, and ${Math.round(alone.tookMs)} ms alone`);
    await installation.remove();
    await host.close();
  });
}

test.run();
