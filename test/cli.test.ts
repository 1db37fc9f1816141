/** The command line as a user meets it: files that play, and bad input that is explained. Runs the built program. */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';
import { beforeAll, describe, expect, test } from 'vitest';
import { readMetadata } from '../src/index.ts';

const program = resolve('dist/cli/main.js');
const prompt = 'a large red star moves right over a blue background';
const folder = mkdtempSync(join(tmpdir(), 'quantcache-cli-'));
const fast = ['--steps', '1', '--quiet'];

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program; `interruptWhen` sends Ctrl-C once stderr contains a text. */
function run(args: string[], interruptWhen?: string): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', CI: '' },
    });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    let interrupted = false;
    child.stdout.on('data', (chunk: Buffer) => {
      outcome.stdout += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      outcome.stderr += chunk;
      if (interruptWhen && !interrupted && outcome.stderr.includes(interruptWhen)) {
        interrupted = true;
        child.kill('SIGINT');
      }
    });
    child.on('close', (code) => done({ ...outcome, code }));
  });
}

/** A failure is explained: the right exit code, one error line, no stack trace, no file left. */
function expectExplained(outcome: Outcome, code: number, text: RegExp): void {
  expect(outcome.stderr).toMatch(text);
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
}

/** Files in the folder that a run may have left behind. */
const leftovers = (): string[] => readdirSync(folder).filter((name) => name.includes('stopped'));

beforeAll(() => {
  if (!existsSync(program)) throw new Error('The program is not built; run "npm run build".');
});

describe('quantcache generate', () => {
  test('writes an mp4 with the right frames, size and rate, and what it was made from', async () => {
    const outcome = await run(['generate', prompt, '-o', 'star.mp4', '--seed', '7', ...fast]);
    expect(outcome).toMatchObject({ code: 0, stdout: 'star.mp4\n' });
    const input = new Input({ source: new BufferSource(readFileSync(join(folder, 'star.mp4'))), formats: ALL_FORMATS });
    const track = (await input.getPrimaryVideoTrack())!;
    const times: number[] = [];
    for await (const packet of new EncodedPacketSink(track).packets()) times.push(packet.timestamp);
    expect(times).toHaveLength(17);
    expect(times[1]).toBeCloseTo(1 / 8, 6);
    expect([track.displayWidth, track.displayHeight]).toEqual([64, 64]);
    expect(await readMetadata(join(folder, 'star.mp4'))).toMatchObject({
      prompt,
      seed: '7',
      model: 'demo',
      policy: 'quantcache balanced',
    });
  });

  test('makes the same file from the same seed', async () => {
    for (const name of ['one.mp4', 'two.mp4']) await run(['generate', prompt, '-o', name, ...fast]);
    expect(readFileSync(join(folder, 'one.mp4'))).toEqual(readFileSync(join(folder, 'two.mp4')));
  });

  test('prints JSON on stdout and nothing else', async () => {
    const outcome = await run(['generate', prompt, prompt, '-o', 'pair.png', '--json', '--steps', '1']);
    const result = JSON.parse(outcome.stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ files: ['pair-1.png', 'pair-2.png'], frames: 17, height: 64, width: 64, fps: 8 });
    expect(existsSync(join(folder, 'pair-2.png'))).toBe(true);
  });

  test('a prompt of 100,000 characters runs, cut to what the model reads', async () => {
    const outcome = await run(['generate', `${'a large red star '.repeat(6000)}`, '-o', 'long.mp4', ...fast]);
    expect(outcome.code).toBe(0);
  });

  test.each<[string, string[], number, RegExp]>([
    ['an unknown option', ['generate', prompt, '--stepz', '3'], 2, /unknown option '--stepz'/],
    ['an unknown command', ['generat', prompt], 2, /unknown command 'generat'/],
    ['no prompt', ['generate'], 2, /missing required argument 'prompts'/],
    ['an empty prompt', ['generate', ' ', ...fast], 2, /prompt is empty/],
    ['zero steps', ['generate', prompt, '--steps', '0'], 2, /whole number from 1/],
    ['an odd length', ['generate', prompt, '--frames', '5'], 2, /5 frames .*17/],
    ['a strange size', ['generate', prompt, '--size', '64'], 2, /HEIGHTxWIDTH/],
    ['an unknown policy', ['generate', prompt, '--policy', 'magic'], 2, /magic/],
    ['an unknown policy option', ['generate', prompt, '--policy', 'fora', '--policy-option', 'x=1'], 2, /fora.*"x"/s],
    ['an option of no policy', ['generate', prompt, '--policy-option', 'x=1'], 2, /needs a --policy/],
    ['a malformed policy option', ['generate', prompt, '--policy-option', 'x'], 2, /name=value/],
    ['an unknown file type', ['generate', prompt, '-o', 'star.avi'], 2, /\.avi.*\.mp4/s],
    ['a folder that is not there', ['generate', prompt, '-o', 'nowhere/star.mp4'], 1, /nowhere/],
    ['a model that is not there', ['generate', prompt, '-m', './no-model'], 1, /no-model/],
    ['an image that is not there', ['generate', prompt, '--image', 'no.png', ...fast], 1, /no\.png/],
    ['an unknown device', ['generate', prompt, '--device', 'abacus'], 2, /Allowed choices are cpu/],
  ])('explains %s', async (_, args, code, text) => {
    expectExplained(await run(args), code, text);
  });

  describe('with a damaged model', () => {
    const damaged = join(folder, 'damaged');
    const transformer = join(damaged, 'stdit3/model.safetensors');

    test.each<[string, () => void, RegExp]>([
      ['a truncated file', () => truncateSync(transformer, 100_000), /model\.safetensors.*(truncated|missing|bytes)/s],
      ['a missing file', () => rmSync(transformer), /stdit3/],
      [
        'a config of another model',
        () => writeFileSync(join(damaged, 'stdit3/config.json'), '{"model_type":"STDiT3","hidden_size":512}'),
        /expected \[\d+.*found \[/s,
      ],
      ['a config that is not JSON', () => writeFileSync(join(damaged, 'quantcache.json'), '{'), /not valid JSON/],
      [
        'a recipe with numbers of bits that nobody has',
        () => {
          const recipe = { weights: { bits: 3 }, activations: { bits: 8, granularity: 'token' } };
          const settings = JSON.parse(readFileSync(join(damaged, 'quantcache.json'), 'utf8'));
          writeFileSync(join(damaged, 'quantcache.json'), JSON.stringify({ ...settings, recipes: { w8a8: recipe } }));
        },
        /quantcache\.json.*recipes\.w8a8\.weights\.bits/s,
      ],
      [
        'pickled weights',
        () => {
          rmSync(transformer);
          writeFileSync(join(damaged, 'stdit3/pytorch_model.bin'), '');
        },
        /safetensors/,
      ],
      [
        'a missing shard',
        () => {
          const index = '{"weight_map":{"a":"model-00001-of-00002.safetensors"}}';
          rmSync(transformer);
          writeFileSync(join(damaged, 'stdit3/model.safetensors.index.json'), index);
        },
        /model-00001-of-00002/,
      ],
    ])('explains %s', async (_, damage, text) => {
      rmSync(damaged, { recursive: true, force: true });
      mkdirSync(damaged);
      cpSync(resolve('models/demo'), damaged, { recursive: true });
      damage();
      const outcome = await run(['generate', prompt, '-m', damaged, '-o', 'stopped.mp4', ...fast]);
      expect([1, 2]).toContain(outcome.code);
      expectExplained(outcome, outcome.code!, text);
      expect(leftovers()).toEqual([]);
    });
  });

  test.each(['encoding the prompt', 'denoising', 'decoding frames'])(
    'Ctrl-C while %s leaves no file',
    async (stage) => {
      const outcome = await run(['generate', prompt, '-o', 'stopped.mp4', '--steps', '4', '--frames', '51'], stage);
      expect(outcome.code).toBe(130);
      expect(outcome.stderr).not.toMatch(/^\s+at /m);
      expect(leftovers()).toEqual([]);
    },
  );
});

describe('quantcache inspect and verify', () => {
  test('inspect counts parameters and operations', async () => {
    const outcome = await run(['inspect', '--json']);
    const { total, geometry } = JSON.parse(outcome.stdout) as {
      total: { parameters: number; flops: number };
      geometry: { numFrames: number };
    };
    expect(geometry.numFrames).toBe(17);
    expect(total.parameters).toBeGreaterThan(1e7);
    expect(total.flops).toBeGreaterThan(1e10);
  });

  test('verify fails with exit code 1 where a tensor differs', async () => {
    const cases = resolve('test/fixtures/golden');
    expectExplained(await run(['verify', cases, '--tolerance', '1e-9']), 1, /differ from the original/);
    expectExplained(await run(['verify', folder]), 1, /manifest\.json/);
  });
});
