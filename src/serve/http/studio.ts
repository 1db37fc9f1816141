/** The studio's page and what it loads: files that the build made, where it made them. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import type { RequestVariables } from './context.ts';

/** Beside `dist` and `src` in the package. */
const defaultFolder = fileURLToPath(new URL('../../../studio/dist', import.meta.url));

const missing =
  'QuantCache serves its API at /v1. The studio is not built here; "npm run build" in a checkout builds it.\n';

export async function studioRoutes(folder = defaultFolder): Promise<Hono<RequestVariables>> {
  const app = new Hono<RequestVariables>();
  const isBuilt = await stat(join(folder, 'index.html')).then(
    () => true,
    () => false,
  );
  if (!isBuilt) return app.get('/', (context) => context.text(missing));
  // Names of assets hold their hashes, the page's does not.
  app.use('/assets/*', async ({ header }, next) => {
    header('cache-control', 'public, max-age=31536000, immutable');
    await next();
  });
  return app.get('/*', serveStatic({ root: folder }));
}
