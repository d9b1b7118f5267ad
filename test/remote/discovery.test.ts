/** Answers to searches on the LAN: in the words of each protocol, with the gateway's address, and to neighbours alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AnnouncedServer, answerSearch } from '../../src/remote/discovery-answer.ts';
import { gdm } from '../../src/server/gdm.ts';
import { evaluateLater, makeHome } from '../support/home-network.ts';
import { inNamespaces } from '../support/netns.ts';

const SERVER: AnnouncedServer = {
  kind: 'plex',
  id: 'a'.repeat(40),
  name: 'Films',
  version: '1.43.4',
  zone: 'abc.plex.direct',
  port: 32443,
  isTlsRequired: false,
};

const answers = suite('answers to searches');
const textOf = (question: string, server = SERVER) =>
  answerSearch(Buffer.from(question), server, '192.168.7.2')?.toString();

answers('a GDM search is answered as Plex does, with the port of the gateway', () => {
  const text = textOf(gdm.question) ?? '';
  assert.match(text, /^HTTP\/1\.0 200 OK\r\n/);
  assert.match(text, '\r\nContent-Type: plex/media-server\r\n');
  assert.match(text, '\r\nHost: abc.plex.direct\r\n');
  assert.equal(gdm.readAnswer(Buffer.from(text)), {
    id: 'a'.repeat(40),
    scheme: 'http',
    port: 32443,
    name: 'Films',
  });
});

answers('Jellyfin and Emby are answered in JSON with the address of the gateway', () => {
  const jellyfin = JSON.parse(textOf('Who is JellyfinServer?', { ...SERVER, kind: 'jellyfin' }) ?? '') as object;
  assert.equal(jellyfin, { Address: 'http://192.168.7.2:32443', Id: SERVER.id, Name: 'Films', EndpointAddress: null });
  const emby = JSON.parse(textOf('who is EmbyServer?', { ...SERVER, kind: 'emby', isTlsRequired: true }) ?? '') as {
    Address: string;
  };
  assert.is(emby.Address, 'https://192.168.7.2:32443');
});

answers('what is no search for this kind of server is not answered', () => {
  for (const question of ['', 'hello', 'HTTP/1.0 200 OK\r\n\r\n', 'who is JellyfinServer?', 'M-SEARCH * HTTP/1.1'])
    assert.is(textOf(question), undefined, question);
  assert.is(textOf(`${gdm.question}${' '.repeat(2000)}`), undefined, 'too long');
  assert.is(textOf(gdm.question, { ...SERVER, kind: 'generic' }), undefined);
});

answers('a name cannot add lines or length to an answer', () => {
  const text = textOf(gdm.question, { ...SERVER, name: `x\r\nPort: 1\r\n${'y'.repeat(5000)}` }) ?? '';
  assert.is(gdm.readAnswer(Buffer.from(text))?.port, 32443);
  assert.ok(text.length < 600, `${text.length} bytes`);
});

answers.run();

const responder = suite('discovery responder');

inNamespaces(responder)(
  'neighbours are answered, by multicast and broadcast, others never, and nobody too often',
  async () => {
    const home = await makeHome('public');
    const child = home.host.start(
      process.execPath,
      '--input-type=module-typescript',
      '--eval',
      `import { DiscoveryResponder } from './src/remote/discovery-responder.ts';
     import { localNetworks } from './src/net/interfaces.ts';
     const log = { debug() {}, info() {}, warn(_, text) { console.log(text); }, error() {} };
     const networks = () => localNetworks().filter(({ isLoopback }) => !isLoopback);
     const server = (kind) => () => (${JSON.stringify(SERVER)}.kind === kind ? ${JSON.stringify(SERVER)} : { ...${JSON.stringify(SERVER)}, kind });
     const open = [
       await DiscoveryResponder.open({ port: 32414, group: '239.0.0.250', server: server('plex'), networks, log }),
       await DiscoveryResponder.open({ port: 7359, group: undefined, server: server('jellyfin'), networks, log }),
     ];
     console.log('ready');
     process.stdin.once('end', async () => { for (const one of open) await one.close(); });
     process.stdin.resume();`,
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    /** `patienceMs`: how long the first answer is waited for; further ones have 600 ms more. */
    const ask = (to: string, port: number, question: string, times: number, patienceMs = 10_000) => `
    import { createSocket } from 'node:dgram';
    import { once } from 'node:events';
    import { setTimeout } from 'node:timers/promises';
    const socket = createSocket('udp4');
    const answers = [];
    socket.on('message', (text, from) => answers.push([from.address, String(text).split('\\r\\n')[0]]));
    socket.bind(0, async () => {
      socket.setBroadcast(true);
      for (let sent = 0; sent < ${times}; sent += 1) socket.send(${JSON.stringify(question)}, ${port}, ${JSON.stringify(to)});
      await Promise.race([once(socket, 'message'), setTimeout(${patienceMs}, undefined, { ref: false })]);
      await setTimeout(600);
      console.log(JSON.stringify(answers));
      process.exit();
    });`;
    try {
      const neighbour = await home.addHost(9);
      assert.equal(await evaluateLater(neighbour, ask('239.0.0.250', 32414, gdm.question, 1)), [
        ['192.168.7.2', 'HTTP/1.0 200 OK'],
      ]);
      const [[from, json]] = (await evaluateLater(
        neighbour,
        ask('192.168.7.255', 7359, 'Who is JellyfinServer?', 1),
      )) as [[string, string]];
      assert.is(from, '192.168.7.2');
      assert.is((JSON.parse(json) as { Address: string }).Address, 'http://192.168.7.2:32443');
      const flood = (await evaluateLater(neighbour, ask('192.168.7.2', 32414, gdm.question, 60))) as unknown[];
      assert.ok(flood.length < 12, `${flood.length} answers to 60 questions`);
      // The router lets datagrams from outside through to the host: they are not answered all the same.
      home.router.run(
        'nft',
        'add',
        'rule',
        'inet',
        'home',
        'prerouting',
        'udp',
        'dport',
        '32414',
        'dnat',
        'ip',
        'to',
        '192.168.7.2',
      );
      home.router.run('nft', 'insert', 'rule', 'inet', 'home', 'forward', 'udp', 'dport', '32414', 'accept');
      assert.equal(await evaluateLater(home.outside, ask('9.0.0.2', 32414, gdm.question, 3, 600)), []);
    } finally {
      child.stdin?.end();
      await home.close();
    }
  },
);

responder.run();
