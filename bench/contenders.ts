/** The programs that are compared, each one process that terminates TLS and passes requests on to the same media server. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Service, startService } from './service.ts';
import { freePort, nginxTemporaryFolders, SERVER_NAME, type Site, TOKEN } from './site.ts';

export const CONTENDERS = ['lockgate', 'HAProxy', 'nginx', 'Caddy'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

const PROGRAM = process.env['LOCKGATE'] ?? join(import.meta.dirname, '..', 'build', 'lockgate');

type Start = (site: Site, port: number) => Promise<Service>;

/** For lockgate alone. */
interface LockgateOptions {
  /** Offers HTTP/2, which it does not by default. */
  readonly http2?: boolean;
  /** False: nobody has asked it anything when it is there. */
  readonly isAsked?: boolean;
}

/** Starts a program on a port of its own. */
export async function startContender(name: ContenderName, site: Site, options: LockgateOptions = {}): Promise<Service> {
  const port = await freePort();
  if (name === 'lockgate') return startLockgate(site, port, options);
  return STARTS[name](site, port);
}

const STARTS: Readonly<Record<Exclude<ContenderName, 'lockgate'>, Start>> = {
  HAProxy: startHaproxy,
  nginx: startNginx,
  Caddy: startCaddy,
};

/** As it ships, but for more connections from one address: all clients of a bench are on loopback. */
async function startLockgate(
  site: Site,
  port: number,
  { http2 = false, isAsked = true }: LockgateOptions,
): Promise<Service> {
  const folder = join(site.folder, `lockgate-${port}`);
  mkdirSync(folder);
  const configFile = join(folder, 'lockgate.toml');
  const toml = [
    '[server]',
    'kind = "plex"',
    `url = "http://127.0.0.1:${site.originPort}"`,
    `data_dir = ${JSON.stringify(site.dataDir)}`,
    '[listen]',
    'addresses = ["127.0.0.1"]',
    `port = ${port}`,
    `http2 = ${http2}`,
    '[dns]',
    'enabled = false',
    '[limits]',
    'connections = 8192',
    'connections_per_client = 8192',
  ];
  writeFileSync(configFile, toml.join('\n'));
  const service = await startService({
    name: 'lockgate',
    command: [PROGRAM, 'run', '--config', configFile],
    port,
    env: { LOCKGATE_STATE: join(folder, 'state') },
    readyWords: '"message":"ready"',
  });
  if (isAsked) await verifyToken(port);
  return service;
}

/** The first request with a credential waits for the server's word on it. */
async function verifyToken(port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}/library/small`;
  for (let attempt = 0; attempt < 50; attempt++) {
    const answer = await fetch(url, { headers: { 'X-Plex-Token': TOKEN } });
    await answer.arrayBuffer();
    if (answer.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('lockgate does not forward: see its log');
}

async function startHaproxy(site: Site, port: number): Promise<Service> {
  const pem = join(site.folder, 'haproxy.pem');
  writeFileSync(pem, readFileSync(site.certificateFile, 'utf8') + readFileSync(site.keyFile, 'utf8'));
  const configFile = join(site.folder, 'haproxy.cfg');
  writeFileSync(
    configFile,
    `global
  nbthread 1
  maxconn 9000
  tune.bufsize 65536
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  option http-keep-alive
  timeout connect 5s
  timeout client 75s
  timeout server 120s
  timeout tunnel 1h
frontend clients
  bind 127.0.0.1:${port} ssl crt ${pem} alpn h2,http/1.1 backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  default_backend media
backend media
  http-reuse always
  server media 127.0.0.1:${site.originPort}
`,
  );
  return startService({ name: 'HAProxy', command: ['haproxy', '-db', '-f', configFile], port });
}

async function startNginx(site: Site, port: number): Promise<Service> {
  const configFile = join(site.folder, 'nginx.conf');
  writeFileSync(
    configFile,
    `
daemon off; master_process off; pid ${site.folder}/nginx.pid; worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 100000000;  keepalive_timeout 75s;
  ${nginxTemporaryFolders(site.folder, 'nginx')}
  upstream media { server 127.0.0.1:${site.originPort}; keepalive 64; keepalive_requests 100000000; }
  map $http_upgrade $connection_upgrade { default Upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_certificate ${site.certificateFile}; ssl_certificate_key ${site.keyFile};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass http://media; proxy_http_version 1.1;
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 1h;
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }
  }
}
`,
  );
  const command = ['nginx', '-p', site.folder, '-c', configFile, '-e', 'stderr'] as const;
  return startService({ name: 'nginx', command, port });
}

async function startCaddy(site: Site, port: number): Promise<Service> {
  const configFile = join(site.folder, 'Caddyfile');
  writeFileSync(
    configFile,
    `{
  admin off
  auto_https off
  default_sni ${SERVER_NAME}
}
https://:${port} {
  bind 127.0.0.1
  tls ${site.certificateFile} ${site.keyFile}
  reverse_proxy 127.0.0.1:${site.originPort}
}
`,
  );
  return startService({
    name: 'Caddy',
    command: ['caddy', 'run', '--adapter', 'caddyfile', '--config', configFile],
    port,
    env: { GOMAXPROCS: '1', XDG_DATA_HOME: site.folder, XDG_CONFIG_HOME: site.folder, HOME: site.folder },
  });
}
