/**
 * Reads recorded code and writes it anew: `settle.ts BUNDLE CODE OUTFILE`. V8 numbers functions as they come, in the bundle and in Node's
 * own scripts; read again, they are numbered as they stand, and the bytes are the same for the same functions.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';

const [, , bundle = '', code = '', outfile = ''] = process.argv;
const script = new Script(readFileSync(bundle, 'latin1'), { filename: 'bundle.js', cachedData: readFileSync(code) });
if (script.cachedDataRejected !== false) throw new Error('the runtime does not take the code that it made');
writeFileSync(outfile, script.createCachedData());
