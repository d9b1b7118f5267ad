/** Who answers names side by side: lockgate's DNS and dnsmasq, each one process with the same names and the same resolver behind it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDns } from '../src/dns/server.ts';
import { silentLog } from '../src/lib/log.ts';

export const ZONE = '0123456789abcdef0123456789abcdef.plex.direct';
export const SERVERS = Array.from({ length: 10 }, (_, index) => `192.168.1.${index + 10}`);
const GATEWAY = '192.168.1.5';

export const nameOf = (address: string) => `${address.replaceAll('.', '-')}.${ZONE}`;

/** The gateway's DNS alone, for a process of its own. */
export async function serveGatewayDns(port: number, resolverPort: number): Promise<void> {
  await startDns({
    listen: [`127.0.0.1:${port}`],
    answer: 'gateway',
    facts: {
      zones: () => [{ name: ZONE, holdsCertificate: true }],
      exactNames: () => [],
      gatewayAddresses: () => [GATEWAY],
      serverAddresses: () => SERVERS,
      publicAddresses: () => [],
      networks: () => [],
      listensOnPublishedPort: () => true,
      listensOnExternalPort: () => true,
    },
    upstreams: [`127.0.0.1:${resolverPort}`],
    rebindAllow: [],
    cacheSize: 2000,
    allowsClient: () => true,
    log: silentLog,
  });
}

/** The command that runs dnsmasq with the same answers; its file goes into `folder`. */
export function dnsmasqCommand(folder: string, port: number, resolverPort: number): [string, ...string[]] {
  const file = join(folder, 'dnsmasq.conf');
  const lines = [
    `port=${port}`,
    'listen-address=127.0.0.1',
    'bind-interfaces',
    'no-resolv',
    'no-hosts',
    'cache-size=2000',
    `local=/${ZONE}/`,
    `server=127.0.0.1#${resolverPort}`,
    ...SERVERS.map((address) => `host-record=${nameOf(address)},${GATEWAY}`),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return [
    'dnsmasq',
    '--keep-in-foreground',
    '--user=',
    `--pid-file=${join(folder, 'dnsmasq.pid')}`,
    `--conf-file=${file}`,
  ];
}

/** Answers every question with one public address. */
export async function startResolver(): Promise<{ port: number; close: () => void }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from(query.subarray(0, end));
    head.set([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], 2);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 93, 184, 216, 34]);
    socket.send(Buffer.concat([head, record]), from.port, from.address);
  });
  return { port: socket.address().port, close: () => socket.close() };
}

if (process.argv[2] === 'serve') await serveGatewayDns(Number(process.argv[3]), Number(process.argv[4]));
