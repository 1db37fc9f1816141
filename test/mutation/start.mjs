// Runs the TypeScript of this folder without a build: `node start.mjs` is the command, `node start.mjs worker` its helper.
import { createViteServer } from 'vitest/node';

const vite = await createViteServer({
  configFile: false,
  appType: 'custom',
  server: { middlewareMode: true, ws: false, watch: null },
});
if (process.argv[2] === 'worker') await (await vite.ssrLoadModule('/test/mutation/worker.ts')).work();
else {
  const { mutate } = await vite.ssrLoadModule('/test/mutation/mutate.ts');
  await mutate(process.argv.slice(2));
  await vite.close();
}
