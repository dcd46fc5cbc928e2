import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

/** Where `npm run up` serves the API, for `vite console` while one works on the page. */
const API = 'http://127.0.0.1:8700';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [compressed()],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    // A strict content security policy has no place for `data:` scripts, styles and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What of others is in the bundle, with their licences, as these ask for.
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      onLog: (level, log, handle) => {
        // Says that a module is a client's, which all of this page is.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/auth', '/docs', '/openapi.json'].map((at) => [at, API])),
  },
});

/** Writes each asset compressed beside itself, once, so that no request has to wait for that. */
function compressed() {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir }) {
      const folder = path.join(dir, 'assets');
      for (const name of readdirSync(folder)) {
        const file = path.join(folder, name);
        const content = readFileSync(file);
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${file}.br`, brotliCompressSync(content));
      }
    },
  };
}
