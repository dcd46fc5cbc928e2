import { defineConfig } from 'vite';

/** Where `npm run up` serves the API, for `vite console` while one works on the page. */
const API = 'http://127.0.0.1:8700';

export default defineConfig({
  root: import.meta.dirname,
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
