/** A home whose router answers nothing, nor does anybody behind it: `doctor` says so, and soon. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';
import { Installation, PROGRAM } from '../support/program.ts';

const test = suite('silent router');
const there = inNamespaces(test);
/** What `doctor` may take, and what a busy machine adds. */
const PATIENCE_MS = 5_000 + 3_000;

/** A host with a default route into the void: its packets go out, and nobody takes them. */
async function homeWithoutAnswers(): Promise<Namespace> {
  const host = await makeNamespace();
  host.ip(
    'link add lan0 type veth peer name lan1',
    'link set lan0 up',
    'link set lan1 up',
    'addr add 192.168.7.2/24 dev lan0',
    'neigh add 192.168.7.1 lladdr 02:00:00:00:00:01 dev lan0 nud permanent',
    'route add default via 192.168.7.1',
  );
  return host;
}

for (const source of ['auto', 'https://192.0.2.7/ip', 'stun:192.0.2.7:3478', 'https://echo.example/ip']) {
  there(`doctor does not wait for it (public_address = "${source}")`, async () => {
    const host = await homeWithoutAnswers();
    const installation = new Installation(
      `[server]\nurl = "http://127.0.0.1:1"\n[remote]\nmap_port = 32400\npublic_address = "${source}"\n`,
    );
    const startedMs = performance.now();
    const env = Object.entries(installation.env).map(([name, value]) => `${name}=${value ?? ''}`);
    const text = host.run('sh', '-c', 'env "$@" || true', 'sh', ...env, PROGRAM, 'doctor', '--json');
    const tookMs = performance.now() - startedMs;
    const { checks } = JSON.parse(text) as { checks: { name: string; verdict: string; evidence: string }[] };
    const verdict = (name: string) => checks.find((check) => check.name === name)?.verdict;
    assert.is(verdict('nat'), 'unknown');
    assert.is(verdict('server'), 'fault');
    assert.ok(tookMs < PATIENCE_MS, `${Math.round(tookMs)} ms`);
    await installation.remove();
    await host.close();
  });
}

test.run();
