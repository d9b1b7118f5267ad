/** An empty file on a LAN with media servers: one is found and remembered, several are listed and none is used. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlexCertificate } from '../support/certificates.ts';
import { end, said } from '../support/home-network.ts';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';
import { Installation, PROGRAM, RunningProgram } from '../support/program.ts';

const GATEWAY = '192.168.5.2';
const [FILMS, MUSIC] = [
  { number: 10, id: 'a'.repeat(40), name: 'Films' },
  { number: 11, id: 'b'.repeat(40), name: 'Music' },
];
type Server = typeof FILMS;

/** A gateway and two machines for media servers, all on one switch. */
class Lan {
  readonly installation = new Installation();
  readonly #namespaces: Namespace[] = [];
  readonly #gateway: Namespace;
  readonly #hosts: ReadonlyMap<number, Namespace>;
  readonly #servers = new Map<number, ChildProcess>();
  #program: RunningProgram | undefined;

  static async make(): Promise<Lan> {
    return new Lan(await makeNamespace(), [await makeNamespace(), await makeNamespace(), await makeNamespace()]);
  }

  private constructor(middle: Namespace, [gateway, films, music]: Namespace[]) {
    if (gateway === undefined || films === undefined || music === undefined) throw new Error('three machines');
    this.#namespaces.push(middle, gateway, films, music);
    this.#gateway = gateway;
    this.#hosts = new Map([
      [FILMS.number, films],
      [MUSIC.number, music],
    ]);
    middle.ip('link add lan type bridge', 'link set lan up');
    for (const [number, host] of [[2, gateway] as const, ...this.#hosts]) {
      middle.connect(`port${number}`, host, 'lan0');
      middle.ip(`link set port${number} master lan`);
      host.ip(`addr add 192.168.5.${number}/24 brd + dev lan0`, 'route add default via 192.168.5.1');
    }
    const { certificatePem, chainPem, keyPem } = makePlexCertificate({ key: 'ec' });
    writeFileSync(join(this.installation.folder, 'key.pem'), keyPem);
    writeFileSync(join(this.installation.folder, 'chain.pem'), certificatePem + chainPem);
  }

  async startServer({ number, id, name }: Server): Promise<void> {
    const script = ['test/support/plex-in-namespace.ts', `192.168.5.${number}`, this.installation.folder, id, name];
    const server = this.#hosts.get(number)?.start(process.execPath, ...script);
    if (server === undefined) throw new Error('no such machine');
    this.#servers.set(number, server);
    await said(server, /ready/);
  }

  async stopServer({ number }: Server): Promise<void> {
    const server = this.#servers.get(number);
    if (server !== undefined) await end(server);
  }

  async run(): Promise<RunningProgram> {
    await this.#program?.kill();
    this.#program = new RunningProgram(this.#gateway.start('env', ...this.#environment, PROGRAM, 'run'));
    await this.#program.line((line) => line['event'] === 'ready');
    return this.#program;
  }

  /** What a command prints, whatever its exit status. */
  command(...argv: string[]): string {
    return this.#gateway.run('env', ...this.#environment, 'sh', '-c', '"$0" "$@" || true', PROGRAM, ...argv);
  }

  /** Status and reason of an ordinary request. */
  ask(): string {
    const format = '%{http_code} %header{x-lockgate-reason}';
    return this.#gateway.run('curl', '-s', '-o', '/dev/null', '-w', format, `http://${GATEWAY}:32443/library`);
  }

  get memory(): { url: string; id: string } | undefined {
    const path = join(this.installation.stateDir, 'server.json');
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  }

  async close(): Promise<void> {
    await this.#program?.kill();
    for (const server of this.#servers.values()) await end(server);
    for (const namespace of this.#namespaces) await namespace.close();
    await this.installation.remove();
  }

  get #environment(): string[] {
    const { configPath, stateDir } = this.installation;
    return [`LOCKGATE_CONFIG=${configPath}`, `LOCKGATE_STATE=${stateDir}`];
  }
}

const test = suite<{ lan: Lan }>('discovery');
const there = inNamespaces(test) as typeof test;

test.before.each(async (context) => {
  context.lan = await Lan.make();
});
test.after.each(async ({ lan }) => {
  await lan.close();
});

there('the one server that is found is remembered, and not changed for another', async ({ lan }) => {
  await lan.startServer(FILMS);
  const found = await (await lan.run()).line((line) => line['state'] === 'claimed');
  assert.is(found['url'], 'http://192.168.5.10:32400');
  await lan.startServer(MUSIC);
  await (await lan.run()).line((line) => line['state'] === 'claimed' && line['id'] === FILMS.id);
  assert.is(lan.memory?.id, FILMS.id);
  await lan.stopServer(FILMS);
  const again = await lan.run();
  await again.line((line) => line['state'] === 'unknown' && line['url'] === 'http://192.168.5.10:32400');
  assert.match(lan.ask(), /^503 /);
  assert.is(lan.memory?.id, FILMS.id);
});

there('of several none is used: they are listed by name, until the file names one', async ({ lan }) => {
  await lan.startServer(FILMS);
  await lan.startServer(MUSIC);
  const gateway = await lan.run();
  await gateway.line((line) => /several media servers were found, and none is chosen/.test(String(line['detail'])));
  assert.is(lan.ask(), '503 starting');
  assert.is(lan.memory, undefined);
  for (const command of ['status', 'check']) {
    const text = lan.command(command);
    assert.match(text, '"Films" at http://192.168.5.10:32400', command);
    assert.match(text, '"Music" at http://192.168.5.11:32400', command);
  }
  assert.match(
    lan.command('status').trim().split('\n').at(-1) ?? '',
    /^next: name yours in the file: \[server\] url = /,
  );
  await lan.stopServer(FILMS);
  await wait(3000);
  assert.is(lan.ask(), '503 starting', 'the one that is left was chosen by nobody');
  assert.is(lan.memory, undefined);
  lan.installation.configure('[server]\nurl = "http://192.168.5.11:32400"\n');
  lan.command('reload');
  await gateway.line((line) => line['state'] === 'claimed' && line['id'] === MUSIC.id);
  assert.is(lan.ask(), '401 no-credentials');
  for (let attempt = 0; attempt < 50 && lan.memory === undefined; attempt += 1) await wait(100);
  assert.is(lan.memory?.id, MUSIC.id, 'written after it was said');
});

test.run();
