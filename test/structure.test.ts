/**
 * The house rules of ARCHITECTURE.md that a program can check: who may import what, types included, and how long a file may be.
 * Support for tests (`testing.ts`, the conformance suite) counts as tests and may import anything.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import * as main from '../src/index.ts';

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** What it imports, types included: packages by name, our own files by path below src. */
  readonly imports: readonly string[];
}

const isTest = /(\.test|\/testing|^(policies|serve)\/conformance|^nn\/reference)\.ts$/;
const sourcesIn = (root: string): SourceFile[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !isTest.test(path))
    .map((path) => read(root, path));
const sources = sourcesIn('src');

function read(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'|\bimport\('([^']+)'\)/gms);
  const imports = [...statements].map(([, fixed, lazy]) => (fixed ?? lazy)!);
  return { path, text, lines: text.split('\n').length, imports: imports.map((name) => resolve(path, name)) };
}

/** A file of ours by its path below src, a package by its name. */
function resolve(from: string, name: string): string {
  if (name === '#runtime') return 'runtime/node.ts';
  return name.startsWith('.') ? relative('src', join('src', dirname(from), name)) : name;
}

/** Files whose path matches and that import something that matches. */
const offenders = (from: RegExp, imported: RegExp): string[] =>
  sources.flatMap(({ path, imports }) =>
    from.test(path) ? imports.filter((name) => imported.test(name)).map((name) => `${path} -> ${name}`) : [],
  );

/** The first circle that there is, as a list of names that ends where it begins. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    if (done.has(name)) return undefined;
    for (const next of graph.get(name) ?? []) {
      const circle = visit(next, [...path, name]);
      if (circle) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of graph.keys()) {
    const circle = visit(name, []);
    if (circle) return circle;
  }
  return undefined;
}

const files = new Map(sources.map(({ path, imports }) => [path, imports]));
/** The folder that a file is in, or the file itself where it is in none. */
const roomOf = (path: string): string => path.split('/')[0]!;

test('imports are seen, types included, and circles found', () => {
  expect(sources.length).toBeGreaterThan(200);
  expect(files.get('runtime/node.ts')).toContain('onnxruntime-node');
  expect(files.get('generate.ts')).toContain('denoise.ts');
  expect(files.get('settings.ts')).toContain('sampler.ts'); // types only
  expect(files.get('cli/main.ts')).toContain('cli/verify.ts');
  const circle = new Map(Object.entries({ a: ['b'], b: ['c', 'd'], c: [], d: ['b'] }));
  expect(circleIn(circle)).toEqual(['b', 'd', 'b']);
});

test('no file and no folder depends on itself', () => {
  expect(circleIn(files)).toBeUndefined();
  const rooms = new Map<string, string[]>();
  for (const { path, imports } of sources) {
    const others = imports.filter((name) => files.has(name) && roomOf(name) !== roomOf(path)).map(roomOf);
    rooms.set(roomOf(path), [...(rooms.get(roomOf(path)) ?? []), ...others]);
  }
  expect(circleIn(rooms)).toBeUndefined();
});

test('no file of the studio depends on itself', () => {
  const studio = new Map(sourcesIn('studio/src').map(({ path, imports }) => [path, imports]));
  expect(studio.get('components/clip/load.ts')).toContain('components/clip/decode.ts');
  expect(circleIn(studio)).toBeUndefined();
});

test('only the two runtimes import ONNX Runtime', () => {
  expect(offenders(/^(?!runtime\/(node|web)\.ts)/, /^onnxruntime/)).toEqual([]);
});

test('the graph builder knows no layers, layers know no models', () => {
  expect(offenders(/^onnx\//, /^(nn|models|policies|quantization)\//)).toEqual([]);
  expect(offenders(/^(nn|quantization|samplers)\//, /^(models|policies)\//)).toEqual([]);
});

test('models and policies do not know each other', () => {
  expect(offenders(/^models\//, /^policies\//)).toEqual([]);
  expect(offenders(/^policies\//, /^models\//)).toEqual([]);
});

test('families do not know each other, and only the registry knows one', () => {
  const families = [...new Set(sources.flatMap(({ path }) => /^models\/(\w+)\//.exec(path)?.[1] ?? []))];
  for (const family of families)
    expect(offenders(new RegExp(`^(?!models/(index\\.ts|${family}/))`), new RegExp(`^models/${family}/`))).toEqual([]);
});

test('the loop knows neither models, policies nor samplers', () => {
  const loop = /^(generate|settings|decode|loop|denoise|execute|policy|model|pipeline|sampler|signals|state|trace)\.ts/;
  expect(offenders(loop, /^(models|policies)\//)).toEqual([]);
  expect(offenders(loop, /^samplers\/(?!random)/)).toEqual([]);
});

test('what is shared speaks of no single model', () => {
  const words = /\b(stdit3?|spatial|temporal_blocks|qkv|fc[12]|q_linear|mask strateg|aesthetic)/i;
  const shared =
    /^(generate|settings|decode|loop|denoise|execute|policy|model|pipeline|sampler|signals|state)\.ts|^(samplers|quantization|calibration)\//;
  const said = sources.filter(({ path }) => shared.test(path)).flatMap(({ path, text }) => text.match(words) && path);
  expect(said.filter(Boolean)).toEqual([]);
});

test('the command line, benchmarks and the engine of the server use the public entry points', () => {
  const inside = /^(?!(cli|bench|serve|api|files)\/|(index|errors|environment|version)\.ts)[\w-]+(\/|\.ts)/;
  const ours = (list: string[]) => list.filter((line) => files.has(line.split(' -> ')[1]!));
  expect(ours(offenders(/^(cli|bench|serve\/engine)\//, inside))).toEqual([]);
  expect(offenders(/^(?!cli\/|bench\/|serve\/engine\/)/, /^(cli|bench|api)\//)).toEqual([]);
  expect(offenders(/^(?!cli\/|serve\/)/, /^serve\//)).toEqual([]);
  expect(offenders(/^bench\//, /^cli\//)).toEqual([]);
});

test('the process that serves loads no engine', () => {
  /** All files that a file needs; what it only names the types of is not loaded. */
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(from)) return seen;
    seen.add(from);
    const text = sources.find(({ path }) => path === from)?.text ?? '';
    const statements = text.matchAll(/^(?:import|export)(?! type)\b[^;]*?from '([^']+)'/gms);
    for (const [, name] of statements) reached(resolve(from, name!), seen);
    return seen;
  };
  expect([...reached('index.ts')]).toContain('onnxruntime-node');
  for (const file of ['cli/main.ts', 'cli/serve.ts', 'serve/server.ts'])
    expect(
      [...reached(file)].filter((name) =>
        /^onnxruntime|^sharp|^serve\/engine\/(child|clip)|^video\/(image|peer)|^index/.test(name),
      ),
    ).toEqual([]);
});

test('the parts of the server know each other in one direction', () => {
  expect(
    offenders(/^serve\/(api|job|queue|events|pace|video|work)\.ts|^serve\/(store|engine)\//, /^serve\/(http\/|server)/),
  ).toEqual([]);
  expect(offenders(/^serve\/http\//, /^serve\/(store\/|server|work|engine\/(?!messages))/)).toEqual([]);
  expect(offenders(/^serve\/store\//, /^serve\/engine\//)).toEqual([]);
  expect(offenders(/^serve\//, /^hono|^@hono/).filter((line) => !/^serve\/(http\/|server)/.test(line))).toEqual([]);
});

test('the main entry is small, and the package names all others', () => {
  expect(Object.keys(main).length).toBeLessThanOrEqual(15);
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
  const named = Object.keys(exports).flatMap((name) => /^\.\/([\w-]+)$/.exec(name)?.[1] ?? []);
  const entries = sources.flatMap(({ path }) => /^api\/([\w-]+)\.ts$/.exec(path)?.[1] ?? []);
  expect(named.sort()).toEqual(entries.sort());
});

test('pages that comments cite are in the repository', () => {
  const cited = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\b[A-Z_]{3,}\.md\b/g)].map(([page]) => [path, page]),
  );
  expect(cited.filter(([, page]) => !existsSync(page!))).toEqual([]);
});

test('no file is a heap', () => {
  expect(sources.filter(({ lines }) => lines > 400).map(({ path }) => path)).toEqual([]);
  expect(sources.filter(({ path }) => /utils?\.ts$|manager/i.test(path)).map(({ path }) => path)).toEqual([]);
});
