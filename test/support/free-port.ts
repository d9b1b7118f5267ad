/** Ports for programs that cannot be told "any": free for TCP and UDP, and not among those that the system gives to connections. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Linux gives outgoing connections ports from 32768 on. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const MAX_TRIES = 50;

/** A port that nobody on this host has at the moment, on any IPv4 address. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
  throw new Error('this host has no free port');
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer().listen(port, '0.0.0.0');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4').bind(port, '0.0.0.0');
  try {
    await once(socket, 'listening');
  } catch {
    return false;
  }
  socket.close();
  await once(socket, 'close');
  return true;
}
