/** A stand-in server with a monitor that watches it, and a state folder that outlives the monitor. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/lib/log.ts';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { type MonitorOptions, ServerMonitor, type ServerSnapshot } from '../../src/server/monitor.ts';
import { plex } from '../../src/server/plex.ts';
import { type PlexStandIn, startPlex } from './plex.ts';

export interface Watched {
  folder: string;
  state: StateFolder;
  server: PlexStandIn;
  monitors: ServerMonitor[];
}

export async function openScene(scene: Watched): Promise<void> {
  scene.folder = await mkdtemp(join(tmpdir(), 'lockgate-test-'));
  scene.state = new StateFolder(scene.folder);
  scene.server = await startPlex();
  scene.monitors = [];
}

export async function closeScene({ folder, server, monitors }: Watched): Promise<void> {
  for (const monitor of monitors) await monitor.close();
  await server.close();
  await rm(folder, { recursive: true });
}

/** A monitor that has not begun. */
export function monitorOf({ server, state, monitors }: Watched, changes: Partial<MonitorOptions> = {}): ServerMonitor {
  const monitor = new ServerMonitor({
    kind: plex,
    url: server.url,
    id: undefined,
    state,
    log: silentLog,
    discover: async () => [],
    provesItself: async () => false,
    ...changes,
  });
  monitors.push(monitor);
  return monitor;
}

/** A monitor that has looked once. */
export async function watch(scene: Watched, changes: Partial<MonitorOptions> = {}): Promise<ServerMonitor> {
  const monitor = monitorOf(scene, changes);
  await monitor.start();
  await monitor.probe();
  return monitor;
}

/** What a restart of the gateway is to the monitor: nothing but the state folder stays. */
export async function restart(scene: Watched, changes: Partial<MonitorOptions> = {}): Promise<ServerMonitor> {
  for (const monitor of scene.monitors) await monitor.close();
  return watch(scene, changes);
}

/** `claimed`, or `unknown down`. */
export function summary({ state, unknownBecause }: ServerSnapshot): string {
  return [state, unknownBecause].filter(Boolean).join(' ');
}

/** The next change. */
export async function changeOf(monitor: ServerMonitor): Promise<ServerSnapshot> {
  return (await once(monitor, 'change'))[0] as ServerSnapshot;
}
