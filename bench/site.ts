/** What all programs of the comparison share: one certificate, one media server (nginx playing Plex), one folder for their files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  makePkcs12,
  makePlexCertificate,
  PLEX_PROCESSED_IDENTIFIER,
  PLEX_ZONE,
  plexPreferencesXml,
} from '../test/support/certificates.ts';
import { type Service, startService } from './service.ts';

/** Goes with every request, so that lockgate decides by a credential that it has verified with the server. */
export const TOKEN = 'bench-token-1234567890';
/** A name that the certificate covers. */
export const SERVER_NAME = `127-0-0-1.${PLEX_ZONE}`;
export const PATHS = {
  small: '/library/small',
  stream: '/library/parts/film.mkv',
  post: '/:/timeline',
  webSocket: '/:/websockets/notifications',
} as const;

const SMALL_BYTES = 1024;
const STREAM_BYTES = 256 * 1024 * 1024;

export interface Site {
  readonly folder: string;
  /** The media server's port on 127.0.0.1. */
  readonly originPort: number;
  /** PEM: leaf and intermediate. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The media server's data folder, from which lockgate takes the certificate. */
  readonly dataDir: string;
  /** Requests that the media server has answered so far. */
  requestsServed(): Promise<number>;
  close(): Promise<void>;
}

/** Makes the files and starts the media server. */
export async function startSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-bench-'));
  const webSockets = await startWebSocketServer();
  const originPort = await freePort();
  const origin = await startOrigin(folder, originPort, webSockets.port);
  return {
    folder,
    originPort,
    ...writeCertificate(folder),
    requestsServed: () => requestsServed(originPort),
    close: async () => {
      await origin.stop();
      webSockets.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of 127.0.0.1 that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function writeCertificate(folder: string): Pick<Site, 'certificateFile' | 'keyFile' | 'dataDir'> {
  const certificate = makePlexCertificate({ key: 'ec' });
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'certificate.pem.key');
  writeFileSync(certificateFile, certificate.certificatePem + certificate.chainPem);
  writeFileSync(keyFile, certificate.keyPem);
  const dataDir = join(folder, 'Plex Media Server');
  mkdirSync(join(dataDir, 'Cache'), { recursive: true });
  writeFileSync(join(dataDir, 'Preferences.xml'), plexPreferencesXml());
  writeFileSync(join(dataDir, 'Cache', 'cert-v2.p12'), makePkcs12(certificate));
  return { certificateFile, keyFile, dataDir };
}

async function startOrigin(folder: string, port: number, webSocketPort: number): Promise<Service> {
  mkdirSync(join(folder, 'media', 'library', 'parts'), { recursive: true });
  writeFileSync(join(folder, 'media', PATHS.small), Buffer.alloc(SMALL_BYTES, 'x'));
  writeFileSync(join(folder, 'media', PATHS.stream), Buffer.alloc(STREAM_BYTES, 'film'));
  const configFile = join(folder, 'origin.conf');
  writeFileSync(configFile, originConfig({ folder, port, webSocketPort }));
  return startService({
    name: 'the media server',
    command: ['nginx', '-p', folder, '-c', configFile, '-e', 'stderr'],
    port,
  });
}

function originConfig({ folder, port, webSocketPort }: { folder: string; port: number; webSocketPort: number }) {
  const identity = `{"MediaContainer":{"size":0,"claimed":true,"machineIdentifier":"${PLEX_PROCESSED_IDENTIFIER}","version":"1.43.4.10000-abc"}}`;
  return `
daemon off; master_process off; pid ${folder}/origin.pid; worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 75s;
  default_type application/octet-stream;
  ${nginxTemporaryFolders(folder, 'origin')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${folder}/media;
    location = / { if ($http_x_plex_token != "${TOKEN}") { return 401; } return 200 "ok"; }
    location = /identity { default_type application/json; return 200 '${identity}'; }
    location = ${PATHS.post} { return 200 "ok"; }
    location = ${PATHS.webSocket} {
      proxy_pass http://127.0.0.1:${webSocketPort}; proxy_http_version 1.1; proxy_read_timeout 1h;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade;
    }
    location = /bench/requests { stub_status; }
  }
}
`;
}

/** nginx makes these where it was built to, unless told. */
export function nginxTemporaryFolders(folder: string, name: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${name}-${kind};`).join(' ');
}

async function requestsServed(originPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${originPort}/bench/requests`);
  const [, requests] = /^ \d+ \d+ (\d+) $/m.exec(await answer.text()) ?? [];
  return Number(requests);
}

/** Accepts every upgrade and says nothing; a process of its own, so that the measuring one is free. */
async function startWebSocketServer(): Promise<{ port: number; close(): void }> {
  const program = `
    const server = require('net').createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: x\\r\\n\\r\\n'));
    }).listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line.toString()), close: () => child.kill('SIGKILL') };
}
