/** The command line as a user meets it: files that play, and bad input that is explained. Runs the built program. */
import { spawn, spawnSync } from 'node:child_process';
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
import { readMetadata } from '../src/api/video.ts';

const program = resolve('dist/cli/main.js');
const prompt = 'a large red star moves right over a blue background';
const folder = mkdtempSync(join(tmpdir(), 'quantcache-cli-'));
const fast = ['--steps', '1', '--quiet'];

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Makes the program believe that a person looks at stderr. */
const onTerminal = ['--import', 'data:text/javascript,process.stderr.isTTY=true'];

/** Runs the program; `interruptWhen` sends Ctrl-C once stderr contains a text, as on a terminal. */
function run(args: string[], interruptWhen?: string, env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [...(interruptWhen ? onTerminal : []), program, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', CI: '', ...env },
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
      index: 0,
      run: { prompts: [prompt], seed: '7', numSteps: 1, policy: 'quantcache', precision: 'w8a8' },
      model: { name: 'demo' },
    });
  });

  test('makes the same file from the same seed', async () => {
    for (const name of ['one.mp4', 'two.mp4']) await run(['generate', prompt, '-o', name, ...fast]);
    expect(readFileSync(join(folder, 'one.mp4'))).toEqual(readFileSync(join(folder, 'two.mp4')));
  });

  test('prints JSON on stdout and nothing else', async () => {
    const outcome = await run(['generate', prompt, prompt, '-o', 'pair.png', '--json', '--steps', '1', '-p', 'full']);
    const result = JSON.parse(outcome.stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ files: ['pair-1.png', 'pair-2.png'], frames: 17, height: 64, width: 64, fps: 8 });
    expect(existsSync(join(folder, 'pair-2.png'))).toBe(true);
    expect(outcome.stderr).toBe(''); // no progress in a pipe
  });

  test('on a terminal every stage leaves a line, and denoising says what was decided', async () => {
    const lines = (await run(['generate', prompt, '-o', 'seen.png', '--frames', '1'], 'never said')).stderr;
    expect(lines).toMatch(/encoding the prompt +[\d.]+ s\n/);
    expect(lines).toMatch(/denoising: step 2 of 30, .* left {2}/);
    expect(lines).toMatch(/denoising +[\d.]+ s {2}\d+ computed, \d+ reused\n/);
    expect(lines).toMatch(/decoding frames +[\d.]+ s\n/);
  });

  test('says what cleaning removed, also with --quiet', async () => {
    const outcome = await run(['generate', `${prompt} 星星`, '-o', 'told.png', '-p', 'full', ...fast]);
    expect(outcome).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: Cleaning removed.*星星/) });
  });

  test('reports a wrong option as JSON with --json', async () => {
    const outcome = await run(['generate', prompt, '--stepz', '3', '--json']);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      error: { code: 'invalid_option', message: expect.stringMatching(/^unknown option '--stepz'/) },
    });
    expect(outcome.code).toBe(2);
  });

  test('a prompt of 100,000 characters runs, cut to what the model reads', async () => {
    const outcome = await run(['generate', `${'a large red star '.repeat(6000)}`, '-o', 'long.mp4', ...fast]);
    expect(outcome.code).toBe(0);
  });

  test.each<[string, string[], number, RegExp]>([
    ['an unknown option', ['generate', prompt, '--stepz', '3'], 2, /unknown option '--stepz'/],
    ['an unknown command', ['generat', prompt], 2, /unknown command 'generat'/],
    ['no prompt', ['generate'], 2, /No prompt is given/],
    ['an empty prompt', ['generate', ' ', ...fast], 2, /prompt is empty/],
    ['a prompt without quotes', ['generate', 'a', 'red', 'star', '-q'], 2, /quantcache generate "a red star" -q/],
    ['an empty option', ['generate', prompt, '--image', ''], 2, /--image is empty/],
    ['a prompt that cleaning empties', ['generate', '###', ...fast], 2, /"###", is empty after the cleaning/],
    ['too many steps', ['generate', prompt, '--steps', '1000000000'], 2, /1 to 1000/],
    ['too many frames', ['generate', prompt, '--frames', '1000000000'], 2, /at most 816/],
    ['too large a size', ['generate', prompt, '--size', '99999x99999'], 2, /at most 4704 pixels a side/],
    ['a strange frame rate', ['generate', prompt, '--fps', '1e300'], 2, /from 1 to 1000/],
    ['less than a frame a second', ['generate', prompt, '--fps', '0.5'], 2, /^error: 0\.5 frames .*from 1 to 1000/],
    ['a profile outside of its folder', ['generate', prompt, '--profile', '../../x'], 2, /no name of a profile/],
    ['a folder that is not there', ['generate', prompt, '-m', 'a/b/c'], 1, /^error: There is no folder "a\/b\/c"/],
    [
      'a bound of nothing',
      ['generate', prompt, '--policy', 'full', '--cache-memory', '9'],
      2,
      /no bound of its memory/,
    ],
    ['a rate that a format lacks', ['generate', prompt, '--fps', '60', '-o', 'a.gif'], 2, /60 frames.*0\.1 to 50/],
    ['an output that is a folder', ['generate', prompt, '-o', 'star.mp4/'], 1, /a folder has that name/],
    ['two outputs in one', ['generate', prompt, '-o', 'a.png', '--trace', './a.png'], 2, /--trace would write.*--out/],
    ['a trace without a folder', ['generate', prompt, '--trace', 'no/t.json'], 1, /folder does not exist/],
    ['a map of no trace', ['inspect', '-o', 'x.svg'], 2, /Nothing would read --out.*--trace/],
    ['a size of a trace', ['inspect', '--trace', 't.json', '--size', '64x64'], 2, /Nothing would read --size/],
    ['an empty trace', ['inspect', '--trace', ''], 2, /--trace is empty/],
    ['rows named twice', ['bench', '--suite', 'paper', '--policies', 'full'], 2, /Nothing would read --policies/],
    ['steps that only a search takes', ['calibrate', '--policy', 'teacache', '--steps', '4,8'], 2, /several numbers/],
    [
      'budgets that spare nothing',
      ['calibrate', '--budgets', '50', '--steps', '4'],
      2,
      /50 computed steps spares none/,
    ],
    ['profiles of each of no budget', ['calibrate', '--each'], 2, /Nothing would read --each.*--budgets/],
    ['more prompts than there are', ['calibrate', '--prompts', '999', '-o', 'no'], 2, /prompts, fewer than the 999/],
    ['a camera of signs', ['generate', prompt, '--camera-motion', '###', ...fast], 2, /camera motion "###" is empty/],
    ['a size and a resolution', ['generate', prompt, '--size', '64x64', '--resolution', '144p'], 2, /are both given/],
    ['rows of too many steps', ['bench', '-p', 'full#2000', '--prompts', '1'], 2, /2000 sampling steps/],
    ['a precision that is not there', ['generate', prompt, '--precision', 'fp16'], 2, /fp32, w8a8, w4a8, w4a6/],
    ['clips that cannot be judged', ['bench', 'agreement', '--size', '16x16'], 2, /None of the clips can be judged/],
    ['a name for three', ['calibrate', '--name', 'x'], 2, /Nothing would read --name/],
    ['heads that do not fit', ['bench', 'kernels', '--heads', '7', '--width', '64'], 2, /64 with 7 heads/],
    ['a device that is not there', ['generate', prompt, '-d', 'cuda'], 1, /^error: The cuda backend[^\n]*\n$/],
    ['zero steps', ['generate', prompt, '--steps', '0'], 2, /whole number from 1/],
    ['an odd length', ['generate', prompt, '--frames', '5'], 2, /5 frames .*17/],
    ['a strange size', ['generate', prompt, '--size', '64'], 2, /HEIGHTxWIDTH/],
    ['an unknown policy', ['generate', prompt, '--policy', 'magic'], 2, /magic/],
    ['an unknown policy option', ['generate', prompt, '--policy', 'fora', '--policy-option', 'x=1'], 2, /fora.*"x"/s],
    ['an option of no policy', ['generate', prompt, '--policy-option', 'x=1'], 2, /needs a policy/],
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
      ['a config that is not JSON', () => writeFileSync(join(damaged, 'quantcache.json'), '{'), /not JSON/],
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

describe.skipIf(process.platform === 'win32')('readers that leave', () => {
  const shell = (command: string): Promise<Outcome> =>
    new Promise((done) => {
      const quantcache = `"${process.execPath}" "${program}"`;
      const child = spawn('bash', ['-o', 'pipefail', '-c', command.replaceAll('quantcache', quantcache)], {
        cwd: folder,
      });
      const outcome: Outcome = { code: null, stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk));
      child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk));
      child.on('close', (code) => done({ ...outcome, code }));
    });

  test('of results end the program as a broken pipe does, without a word', async () => {
    expect(await shell('quantcache policies | true')).toEqual({ code: 141, stdout: '', stderr: '' });
  });

  test('of messages do not stop a run', async () => {
    const outcome = await shell(`quantcache generate "${prompt} 星星" --steps 1 -o kept.mp4 2> >(true) >/dev/null`);
    expect(outcome.code).toBe(0);
    expect(existsSync(join(folder, 'kept.mp4'))).toBe(true);
  });

  test.runIf(existsSync('/dev/full'))('and disks that are full are told of', async () => {
    const outcome = await shell(`quantcache generate "${prompt}" --steps 1 -q -o full.mp4 >/dev/full`);
    expect(outcome).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Cannot write the results to stdout: ENOSPC/),
    });
    expect(existsSync(join(folder, 'full.mp4'))).toBe(true);
  });

  test('a child that runs a long prompt ends with its parent', async () => {
    const long = 'a large red star '.repeat(2000);
    const args = ['generate', long, '--policy', 'full', '--steps', '1000', '--frames', '51', '-o', 'orphan.mp4'];
    const parent = spawn(process.execPath, [...onTerminal, program, ...args], { cwd: folder, stdio: 'ignore' });
    const children = () => {
      const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' });
      return stdout.split('\n').filter((line) => /--arguments-by-message/.test(line)).length;
    };
    const before = children();
    while (children() === before) await new Promise((next) => setTimeout(next, 100));
    parent.kill('SIGKILL');
    while (children() > before) await new Promise((next) => setTimeout(next, 100));
    expect(existsSync(join(folder, 'orphan.mp4'))).toBe(false);
  });
});

test('doctor tells machine, devices, versions and caches, and tests the engine', async () => {
  const outcome = await run(['doctor', '--json']);
  const report = JSON.parse(outcome.stdout);
  expect(report.versions).toMatchObject({ quantcache: expect.any(String), 'onnxruntime-node': expect.any(String) });
  expect(report.machine.cores).toBeGreaterThan(0);
  expect(report.devices).toMatchObject([{ device: 'cpu', works: true }, { device: 'webgpu' }, { device: 'cuda' }]);
  expect(report.caches.map(({ canWrite }: { canWrite: boolean }) => typeof canWrite)).toEqual(['boolean', 'boolean']);
  expect(report.tests).toMatchObject([{ name: 'integer products', pass: true }, { pass: true }]);
  expect(outcome.code).toBe(0);
});

test('a cache that cannot be read is not an empty one', async () => {
  const home = join(folder, 'a file');
  writeFileSync(home, '');
  const { stdout } = await run(['doctor'], undefined, { QUANTCACHE_HOME: home, HF_HUB_CACHE: join(folder, 'not yet') });
  expect(stdout).toMatch(/quantized weights +cannot be read \(Cannot read .*a file: .*not a folder.*\)/);
  expect(stdout).toMatch(/downloaded models +0\.0 MB in .*not yet$/m);
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
    expectExplained(await run(['verify', cases, '--tolerance', '1e-9']), 1, /not as the original/);
    expectExplained(await run(['verify', folder]), 1, /manifest\.json/);
  });
});
