/** The house rules of ARCHITECTURE.md that a program can check: who may import what, and how long a file may be. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

interface SourceFile {
  readonly path: string;
  readonly lines: number;
  /** Modules it imports at run time: packages by name, our own files by path below src. */
  readonly imports: readonly string[];
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map(read);

function read(path: string): SourceFile {
  const text = readFileSync(join('src', path), 'utf8');
  const statements = text.matchAll(/^(?:import|export)(?!\s+type\b)[^;]*?from '([^']+)'|\bimport\('([^']+)'\)/gms);
  const imports = [...statements].map(([, fixed, lazy]) => (fixed ?? lazy)!);
  return {
    path,
    lines: text.split('\n').length,
    imports: imports.map((name) => (name.startsWith('.') ? relative('src', join('src', dirname(path), name)) : name)),
  };
}

/** Files whose path matches and that import something that matches. */
const offenders = (from: RegExp, imported: RegExp): string[] =>
  sources.flatMap(({ path, imports }) =>
    from.test(path) ? imports.filter((name) => imported.test(name)).map((name) => `${path} -> ${name}`) : [],
  );

test('imports are seen', () => {
  expect(sources.length).toBeGreaterThan(60);
  expect(sources.find(({ path }) => path === 'runtime/node.ts')?.imports).toContain('onnxruntime-node');
  expect(sources.find(({ path }) => path === 'generate.ts')?.imports).toContain('denoise.ts');
  expect(sources.find(({ path }) => path === 'cli/main.ts')?.imports).toContain('cli/verify.ts');
});

test('only the two runtimes import ONNX Runtime', () => {
  expect(offenders(/^(?!runtime\/(node|web)\.ts)/, /^onnxruntime/)).toEqual([]);
});

test('the graph builder knows no layers, layers know no models', () => {
  expect(offenders(/^onnx\//, /^(nn|models|policies)\//)).toEqual([]);
  expect(offenders(/^nn\//, /^(models|policies)\//)).toEqual([]);
});

test('models and policies do not know each other', () => {
  expect(offenders(/^models\/(?!.*verify\/)/, /^policies\//)).toEqual([]);
  expect(offenders(/^policies\/(?!conformance)/, /^models\//)).toEqual([]);
});

test('the loop knows neither models nor policies', () => {
  expect(offenders(/^(generate|denoise|execute|policy|model)\.ts/, /^(models|policies)\//)).toEqual([]);
});

test('the command line and the server use the public API', () => {
  expect(offenders(/^cli\//, /^(models|policies|onnx|nn|samplers|runtime|weights|video)\//)).toEqual([]);
});

test('no file is a heap', () => {
  expect(sources.filter(({ lines }) => lines > 400).map(({ path }) => path)).toEqual([]);
  expect(sources.filter(({ path }) => /utils?\.ts$|manager/i.test(path)).map(({ path }) => path)).toEqual([]);
});
