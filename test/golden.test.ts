import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type VerificationResult, verifiers, verifyFolder } from '../src/api/verification.ts';
import { createRuntime, type Runtime } from '../src/index.ts';

const folder = 'test/fixtures/golden';
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
  cases: Record<string, { kind: string }>;
};
let runtime: Runtime;
let results: VerificationResult[];

async function verify(path: string): Promise<VerificationResult[]> {
  const list: VerificationResult[] = [];
  for await (const result of verifyFolder(runtime, path, { verifiers: verifiers() })) list.push(result);
  return list;
}

beforeAll(async () => {
  runtime = await createRuntime();
  results = await verify(folder);
});

describe('tensors of the original code', () => {
  test.each(Object.keys(manifest.cases))('%s', (name) => {
    const own = results.filter((result) => result.case === name);
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter(({ pass }) => !pass)).toEqual([]);
  });

  test('a changed weight is noticed in every tensor behind it', async () => {
    const copy = join(mkdtempSync(join(tmpdir(), 'golden-')), 'golden');
    cpSync(folder, copy, { recursive: true });
    const file = join(copy, 'stdit3_a.safetensors');
    const bytes = readFileSync(file);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    const start =
      8 + Number(bytes.readBigUInt64LE()) + header['weights/temporal_blocks.0.mlp.fc2.bias']!.data_offsets[0];
    bytes.writeFloatLE(bytes.readFloatLE(start) + 0.5, start);
    writeFileSync(file, bytes);
    writeFileSync(
      join(copy, 'manifest.json'),
      JSON.stringify({
        cases: { stdit3_a: { kind: 'stdit3_forward', file: 'stdit3_a.safetensors', json: 'stdit3_a.json' } },
      }),
    );
    const failed = (await verify(copy)).flatMap((result) =>
      'tensor' in result && !result.pass ? [result.tensor] : [],
    );
    expect(failed).toContain('outputs/out');
    expect(failed).toContain('inter/temporal_blocks.0.mlp_res');
    expect(failed).not.toContain('inter/temporal_blocks.0.cross_res');
  });
});
