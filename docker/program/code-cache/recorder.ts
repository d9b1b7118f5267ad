/**
 * Runs the bundle as `src/start.ts` does and writes the code that V8 has made of it by the end: `recorder.ts BUNDLE OUTFILE WORD…`, the
 * words as the program reads them. The end of standard input is its SIGTERM. Nothing of this machine and of the clock decides what is run.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os, { type NetworkInterfaceInfo } from 'node:os';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/** What would drop code again, or make machine code of it: when, depends on the moment. V8 compares them, so they are back at the end. */
const MOMENTARY = ['flush-bytecode', 'sparkplug', 'maglev', 'turbofan'];

/** A home network. */
const LOOPBACK = '127.0.0.1';
const ADDRESS = '192.168.1.2';
const SYSTEM_FILES: Readonly<Record<string, string>> = {
  '/proc/cpuinfo': 'flags : aes\n',
  '/proc/net/route':
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n' +
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n' +
    'eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n',
};

const [node = '', , bundle = '', outfile = '', ...words] = process.argv;
process.argv = [node, bundle, ...words];
const { readFileSync } = fs;

for (const flag of MOMENTARY) setFlagsFromString(`--no-${flag}`);
const script = new Script(readFileSync(bundle, 'latin1'), { filename: 'bundle.js' });
process.on('exit', () => {
  for (const flag of MOMENTARY) setFlagsFromString(`--${flag}`);
  fs.writeFileSync(outfile, script.createCachedData());
});

// Under qemu, a true signal ends an x86-64 process.
process.stdin
  .on('end', () => process.emit('SIGTERM', 'SIGTERM'))
  .resume()
  .unref();
hideMachine();
stopClock();
script.runInThisContext()(createRequire(bundle), dirname(bundle));

/** A home network, files of the kernel that say little, and an ordinary user, wherever the rehearsal takes place. */
function hideMachine(): void {
  os.networkInterfaces = () => ({
    lo: [networkInterface(LOOPBACK, 8, '255.0.0.0')],
    eth0: [networkInterface(ADDRESS, 24, '255.255.255.0')],
  });
  fs.readFileSync = ((path: fs.PathOrFileDescriptor, options: BufferEncoding) => {
    if (typeof path !== 'string' || !/^\/(proc|sys)\//.test(path)) return readFileSync(path, options);
    const text = SYSTEM_FILES[path];
    if (text === undefined) throw new Error(`${path} is not part of a rehearsal`);
    return text;
  }) as typeof readFileSync;
  process.getuid = () => 1000;
}

/** Deadlines and what is done now and then never come: whether they would depends on how busy the machine is. */
function stopClock(): void {
  const timer = { ref: () => timer, unref: () => timer, hasRef: () => false, refresh: () => timer };
  Object.assign(globalThis, { setTimeout: () => timer, setInterval: () => timer });
}

function networkInterface(address: string, prefix: number, netmask: string): NetworkInterfaceInfo {
  const internal = address === LOOPBACK;
  return { address, netmask, family: 'IPv4', mac: '00:00:00:00:00:00', internal, cidr: `${address}/${prefix}` };
}
