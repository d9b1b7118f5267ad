/** nginx as an origin: an independent server that knows ranges, conditions and close-delimited answers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { untilListening } from './until-listening.ts';

export interface Nginx {
  readonly port: number;
  /** The folder that it serves. */
  readonly root: string;
  stop(): Promise<void>;
}

/** Starts nginx on 127.0.0.1 with an empty folder; uploads by PUT are taken (WebDAV). */
export async function startNginx(): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-test-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configOf(folder, port));
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  nginx.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  await untilListening('127.0.0.1', port, nginx).catch(() => {
    throw new Error(`nginx does not start: ${complaint}`);
  });
  const stop = async () => {
    nginx.kill();
    if (nginx.exitCode === null) await once(nginx, 'exit');
    rmSync(folder, { recursive: true });
  };
  return { port, root: folder, stop };
}

function configOf(folder: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off; master_process off; user root; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 512; }
http {
  access_log off; sendfile on; client_max_body_size 0; keepalive_timeout 60; keepalive_requests 100000; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${port}; root ${folder};
    location / { dav_methods PUT; }
    location = /tiny { return 200 "ok"; }
  }
}`;
}
