/** Makes the one CommonJS file of the program, and says what went into it: `bundle.ts OUTFILE METAFILE`. */
import { writeFileSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

const [, , outfile = '', metafile = ''] = process.argv;

/**
 * RSA in JavaScript, big numbers and all, which node-forge's password-based encryption asks for without a need: it takes private keys
 * as they are. It looks for one number class when it is loaded.
 */
const withoutRsa: Plugin = {
  name: 'without-rsa',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/rsa$/ }, ({ importer, resolveDir }) =>
      importer.endsWith('/node-forge/lib/pbe.js') ? { path: 'rsa', namespace: 'without-rsa', pluginData: resolveDir } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'without-rsa' }, ({ pluginData }) => ({
      contents: "require('./forge').jsbn = {};",
      resolveDir: pluginData as string,
    }));
  },
};

const result = await build({
  entryPoints: ['src/main.ts'],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  plugins: [withoutRsa],
  // Its servers and clients, which nothing uses, load half of Node at the start.
  alias: { dns2: './src/dns/dns2-packet.cjs' },
  write: false,
});
const [bundle] = result.outputFiles;
writeFileSync(outfile, asAscii(bundle?.text ?? ''));
writeFileSync(metafile, JSON.stringify(result.metafile));

/** Escapes what stands in tagged templates, which esbuild leaves as it is: one letter beyond Latin-1 would double the whole file in memory. */
function asAscii(script: string): string {
  return script.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
