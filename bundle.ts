/**
 * Makes the program: one file of everything, as a function that `src/start.ts` calls; that one, as the CommonJS file to start; and what
 * went into the first: `bundle.ts BUNDLE STARTER METAFILE`.
 */
import { writeFileSync } from 'node:fs';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const [, , bundleFile = '', starterFile = '', metafile = ''] = process.argv;

/**
 * RSA in JavaScript, big numbers and all, which node-forge's password-based encryption asks for without a need: it takes private keys
 * as they are. It looks for one number class when it is loaded.
 */
const withoutRsa: Plugin = {
  name: 'without-rsa',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/rsa$/ }, ({ importer, resolveDir }) =>
      importer.endsWith('/node-forge/lib/pbe.js')
        ? { path: 'rsa', namespace: 'without-rsa', pluginData: resolveDir }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'without-rsa' }, ({ pluginData }) => ({
      contents: "require('./forge').jsbn = {};",
      resolveDir: pluginData as string,
    }));
  },
};

/** Ways of the log's and the proxy's libraries that lockgate never goes: worker threads that write, requests that follow redirects. */
const withoutDetours: Plugin = {
  name: 'without-detours',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(follow-redirects|\.\/(lib\/)?transport)$/ }, ({ path, importer }) =>
      /\/node_modules\/(pino|http-proxy)\//.test(importer) ? { path, namespace: 'without-detours' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'without-detours' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const COMMON = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
} as const satisfies BuildOptions;

const program = await build({
  ...COMMON,
  entryPoints: ['src/main.ts'],
  metafile: true,
  plugins: [withoutRsa, withoutDetours],
  // Its servers and clients, which nothing uses, load half of Node at the start.
  alias: { dns2: './src/dns/dns2-packet.cjs' },
});
const starter = await build({ ...COMMON, entryPoints: ['src/start.ts'] });
// Around it already: to put it around at the start would copy the whole text.
writeFileSync(bundleFile, asAscii(`(function(require,__dirname){${program.outputFiles[0]?.text ?? ''}})`));
writeFileSync(starterFile, starter.outputFiles[0]?.text ?? '');
writeFileSync(metafile, JSON.stringify(program.metafile));

/** Escapes what stands in tagged templates, which esbuild leaves as it is: one letter beyond Latin-1 would double the whole file in memory. */
function asAscii(script: string): string {
  return script.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
