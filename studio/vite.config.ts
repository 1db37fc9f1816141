/** Builds the studio into `studio/dist`: files with relative addresses only, nothing inline, so that a strict CSP holds. */
import { defineConfig } from 'vite';

/** Where `npm run studio` finds an API; the built page asks the server that it came from. */
const api = process.env.QUANTCACHE_SERVER ?? 'http://127.0.0.1:8000';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    target: 'es2023',
    emptyOutDir: true,
    // Files inlined as data: addresses would need exceptions in the CSP.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The API refuses pages of other origins, which this one is while it is being changed.
  server: { proxy: { '/v1': { target: api, changeOrigin: true, headers: { origin: new URL(api).origin } } } },
});
