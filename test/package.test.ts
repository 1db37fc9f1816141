/** The package as npm sees it: what it ships, and that installing it or a checkout runs and prints nothing unasked. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Lockfile {
  packages: Record<string, { hasInstallScript?: boolean }>;
}

const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
const manifest = json<{ scripts: Record<string, string>; exports: object; bin: { quantcache: string } }>(
  'package.json',
);

/** npm's own answer to what a release would hold; a shell, because npm is a script on Windows. */
function pack(): { paths: string[]; stderr: string } {
  const { stdout, stderr } = spawnSync('npm pack --dry-run --json --ignore-scripts', { shell: true, encoding: 'utf8' });
  const releases = Object.values(JSON.parse(stdout) as object) as { files: { path: string }[] }[];
  return { paths: releases[0]!.files.map(({ path }) => path), stderr };
}

test('the package holds the program, the embedded model and what README links to, and no tests', () => {
  const { paths, stderr } = pack();
  expect(paths).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/index.d.ts',
      'studio/dist/index.html',
      'models/demo/stdit3/model.safetensors',
      'models/demo/profiles/balanced.json',
      'README.md',
      'LICENSE',
      'SUPPORT.md',
      'ARCHITECTURE.md',
    ]),
  );
  expect(paths).toContain(manifest.bin.quantcache.replace('./', ''));
  expect(
    paths.filter((path) =>
      /\.test\.|testing\.|fixtures|conformance|^(test|bench|training|fuzz|examples|scripts)\//.test(path),
    ),
  ).toEqual([]);
  expect(stderr).not.toMatch(/npm warn/i);
});

test('the README shows code that plain Node reads', () => {
  const [, code] = /```ts\n(.*?)```/s.exec(readFileSync('README.md', 'utf8'))!;
  const input = { input: code, encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], input);
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('every entry point has an example that runs in CI', () => {
  const names = readdirSync('examples').filter((name) => name.endsWith('.mjs'));
  const examples = names.map((name) => readFileSync(join('examples', name), 'utf8')).join('\n');
  const imported = new Set([...examples.matchAll(/ from '(quantcache[\w/-]*)'/g)].map(([, name]) => name!));
  const entryPoints = Object.keys(manifest.exports)
    .filter((name) => name !== './package.json')
    .map((name) => name.replace(/^\./, 'quantcache'));
  expect([...imported].sort()).toEqual(entryPoints.sort());
  expect(readFileSync('.ci/run', 'utf8')).toContain('examples/*.mjs');
  const listed = readFileSync('examples/README.md', 'utf8');
  for (const name of names) expect(listed).toContain(`\`node examples/${name}\``);
});

test('no dependency runs a script when a checkout is installed', () => {
  // npm 10 goes by this mark of the lockfile, npm 11 by allowScripts. ONNX Runtime's script would fetch CUDA libraries.
  const { packages } = json<Lockfile>('package-lock.json');
  expect(packages['node_modules/onnxruntime-node']).toBeDefined();
  expect(Object.keys(packages).filter((path) => packages[path]!.hasInstallScript)).toEqual([]);
});

test('npm has no reason to warn', () => {
  // An unknown key of .npmrc is a warning at every call; these scripts are listed as unreviewed in every other project.
  expect(existsSync('.npmrc')).toBe(false);
  expect(Object.keys(manifest.scripts)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(preinstall|install|postinstall|prepare)$/)]),
  );
});

test.skipIf(!existsSync('.git'))('a checkout stays small beside the shipped weights', () => {
  const { stdout } = spawnSync('git', ['ls-files', '-z'], { encoding: 'utf8' });
  const files = stdout.split('\0').filter((path) => existsSync(path) && !/^models\/.*\.safetensors$/.test(path));
  expect(files.length).toBeGreaterThan(300);
  expect(files.reduce((bytes, path) => bytes + statSync(path).size, 0)).toBeLessThan(25e6);
});
