/** The files of node-forge that are used: the whole library is more than twice as large. */
declare module 'node-forge/lib/forge.js' {
  const forge: import('./forge.ts').Forge;
  export default forge;
}
declare module 'node-forge/lib/asn1.js';
declare module 'node-forge/lib/pbe.js';
