/** Calibration as a user meets it: profiles are written, used, and refused where they do not belong. Runs the built program. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readMetadata } from '../src/api/video.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-calibrate-'));
const prompt = 'a large red star moves right over a blue background';

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('dist/cli/main.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const measuring = ['--steps', '5', '--prompts', '1', '--quiet', '--measurements', 'measured.json'];
const settings = [...measuring, '--trials', '3'];

const eightBits = ['--precision', 'w8a8', '--steps', '2'];
const search = ['--precisions', 'w8a8', '--prompts', '1', '--steps', '2', '--quiet'];

/** What the recipe that is written has to reach; known when all were tried. */
let quality: string[] = [];

interface Written {
  model: { hash: string };
  options: { hlc: { plans: Record<string, { step: number; outputs: number[][] }[]> } };
  measured: { figures: { computed: number; psnr: number; speedup: number; predictedSpeedup: number }[] };
}
const profile = (): Written => JSON.parse(readFileSync(join(folder, 'profile.json'), 'utf8'));

describe('quantcache calibrate', () => {
  beforeAll(() => {
    const { status, stderr } = run(
      'calibrate',
      '--quality',
      '20',
      '--budgets',
      '2,4',
      '--each',
      ...settings,
      '-o',
      'profile.json',
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
  }, 120_000);

  test('plans the steps to compute, and reports prediction and measurement', () => {
    const { options, measured } = profile();
    const plan = options.hlc.plans['5']!;
    const [figures] = measured.figures;
    expect([2, 4]).toContain(plan.length);
    expect(figures!.computed).toBe(plan.length);
    expect(figures!.psnr).toBeGreaterThan(10);
    expect(figures!.speedup).toBeGreaterThan(0);
    expect(figures!.predictedSpeedup).toBeGreaterThan(0);
  });

  test('with --each, there is a profile for each number of computed steps', () => {
    for (const count of [2, 4]) {
      const { name, options } = JSON.parse(readFileSync(join(folder, `steps-${count}.json`), 'utf8'));
      expect(name).toBe(`steps-${count}`);
      expect(options.hlc.plans['5']).toHaveLength(count);
    }
  });

  test('where no budget is given, leaps follow the clip, by averages of the model', () => {
    const leapt = run('calibrate', '--quality', '15', '--qualities', '20,40', ...measuring, '-o', 'leaps.json');
    expect(leapt.status).toBe(0);
    const { options, fitted } = JSON.parse(readFileSync(join(folder, 'leaps.json'), 'utf8'));
    expect(options.hlc.plans).toEqual({});
    expect(options.hlc.leaps.averages.levels).toHaveLength(5);
    expect(fitted.steps).toEqual([5]);
    const elsewhere = ['--steps', '4', '--guidance', '1', '--profile', 'leaps.json', '--quiet', '-o', 'leapt.mp4'];
    const { status, stderr } = run('generate', prompt, ...elsewhere);
    expect(status).toBe(0);
    expect(stderr).toMatch(/was fitted for 5 steps, not 4; guidance 4, not 1\. Its leaps follow the clip here, too/);
  });

  test('a profile makes the same clip every time, and the clip says by what it was made', async () => {
    const make = (name: string) =>
      run('generate', prompt, '--steps', '5', '--profile', 'profile.json', '--quiet', '-o', name);
    expect(make('a.mp4').status).toBe(0);
    expect(make('b.mp4').status).toBe(0);
    expect(readFileSync(join(folder, 'a.mp4')).equals(readFileSync(join(folder, 'b.mp4')))).toBe(true);
    expect(await readMetadata(join(folder, 'a.mp4'))).toMatchObject({
      profile: 'calibrated',
      run: { policy: 'quantcache' },
    });
  });

  test('cache memory is bounded: without any, everything is computed', () => {
    const made = run(
      'generate',
      prompt,
      '--steps',
      '5',
      '--profile',
      'profile.json',
      '--cache-memory',
      '0',
      '--json',
      '-o',
      'none.mp4',
    );
    expect(made.stderr).toMatch(/do not fit into the cache memory/);
    const { decisions } = JSON.parse(made.stdout) as { decisions: { levels: { level: string; compute: number }[] } };
    expect(decisions.levels.find(({ level }) => level === 'step')?.compute).toBe(5);
  });

  test('a profile says what it was fitted for, and elsewhere there is one warning', () => {
    const { fitted } = JSON.parse(readFileSync(join(folder, 'profile.json'), 'utf8'));
    const setting = { height: 64, width: 64, frames: 17, fps: 8, guidanceScale: 4, sampler: 'euler' };
    expect(fitted).toEqual({ ...setting, conditioning: 'text', steps: [5] });
    const elsewhere = ['--steps', '4', '--frames', '1', '--profile', 'profile.json', '--quiet', '-o', 'other.png'];
    const { status, stderr } = run('generate', prompt, ...elsewhere);
    expect(status).toBe(0);
    expect(stderr.match(/was fitted for/g)).toHaveLength(1);
  });

  test('a target that nothing reaches writes no profile, and says what is reached', () => {
    const missed = run('calibrate', '--quality', '90', '--budgets', '2', ...settings, '-o', 'ninety.json');
    expect(missed.stderr).toMatch(/ninety\.json: of 5 steps, 90 dB is not reached; the nearest makes [\d.]+ dB/);
    expect(missed.status).toBe(1);
    expect(existsSync(join(folder, 'ninety.json'))).toBe(false);
  });

  test('another target is found without measuring again', () => {
    const measured = () => JSON.parse(readFileSync(join(folder, 'measured.json'), 'utf8'));
    const before = measured();
    const { status } = run('calibrate', '--speedup', '1', '--budgets', '4', ...settings, '-o', 'second.json');
    expect(status).toBe(0);
    expect(measured()).toEqual(before);
  });

  test('coefficients of other policies are fitted', () => {
    const { status } = run('calibrate', '--policy', 'magcache', ...measuring, '-o', 'magcache.json');
    expect(status).toBe(0);
    const { name, options } = JSON.parse(readFileSync(join(folder, 'magcache.json'), 'utf8'));
    expect(name).toBe('magcache');
    expect(options.ratios).toHaveLength(4);
  });

  test('recipes of a model are found, written beside its profiles, and followed', () => {
    cpSync(resolve('models/demo'), join(folder, 'model'), { recursive: true });
    const make = (name: string) => {
      const { status } = run('generate', prompt, '-m', 'model', '-q', '-o', name, '--policy', 'full', ...eightBits);
      expect(status).toBe(0);
      return readFileSync(join(folder, name));
    };
    const before = make('before.mp4');
    const missed = run('calibrate', '--recipes', '-m', 'model', '--quality', '200', ...search);
    expect(missed.status).toBe(1);
    expect(missed.stderr).toMatch(/less than the 200 dB asked for: .*recipes\.json is not written/);
    expect(existsSync(join(folder, 'model/profiles/recipes.json'))).toBe(false);
    // Of enough quality is then only the most exact one, which is not the model's own; nothing is tried again.
    const [, best] = /makes ([\d.]+) dB/.exec(missed.stderr)!;
    quality = ['--quality', String(Number(best) - 0.1)];
    const found = run('calibrate', '--recipes', '-m', 'model', ...quality, ...search);
    expect(found.stderr).toBe('');
    expect(found.stdout).toMatch(/model.profiles.recipes\.json/);
    const { recipes, measured } = JSON.parse(readFileSync(join(folder, 'model/profiles/recipes.json'), 'utf8'));
    expect(recipes.w8a8.activations.bits).toBe(8);
    expect(measured.trials).toHaveLength(8);
    expect(existsSync(join(folder, 'model/profiles/recipes.json.trials'))).toBe(false);
    for (const { psnr, time } of measured.trials) expect([psnr > 20, time > 0.1 && time < 10]).toEqual([true, true]);
    expect(make('after.mp4').equals(before)).toBe(false);
  });

  test('recipes of other weights are refused, and found anew', () => {
    const file = join(folder, 'model/profiles/recipes.json');
    const other = { ...JSON.parse(readFileSync(file, 'utf8')), model: { name: 'other', hash: '0123456789abcdef' } };
    writeFileSync(file, JSON.stringify(other));
    const refused = run('generate', prompt, '-m', 'model', '-q', '-o', 'no.mp4', '--policy', 'full', ...eightBits);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/recipes.json was measured on other .* Calibrate this model/);
    expect(run('calibrate', '--recipes', '-m', 'model', ...quality, ...search).stderr).toBe('');
    expect(JSON.parse(readFileSync(file, 'utf8')).model.name).not.toBe('other');
  });

  test.each<[string, () => string[], number, RegExp]>([
    [
      'a profile of another model',
      () => {
        writeFileSync(
          join(folder, 'other.json'),
          JSON.stringify({ ...profile(), model: { name: 'other', hash: '0123456789abcdef' } }),
        );
        return ['generate', prompt, '--profile', 'other.json'];
      },
      1,
      /measured on other.*Calibrate this model/,
    ],
    [
      'a plan that does not begin with the first step',
      () => {
        const { options, ...rest } = profile();
        const broken = { ...options, hlc: { plans: { 5: [{ step: 1, latents: 1, outputs: [] }] } } };
        writeFileSync(join(folder, 'short.json'), JSON.stringify({ ...rest, options: broken }));
        return ['generate', prompt, '--steps', '5', '--profile', 'short.json'];
      },
      2,
      /plan for 5 steps computes the steps 1;/,
    ],
    [
      'a profile that is none',
      () => {
        writeFileSync(join(folder, 'broken.json'), '{');
        return ['generate', prompt, '--profile', 'broken.json'];
      },
      1,
      /is not JSON/,
    ],
    ['a profile that is not there', () => ['generate', prompt, '--profile', 'absent'], 1, /no profile .*calibrate/],
    ['a profile and a policy', () => ['generate', prompt, '--profile', 'a', '--policy', 'full'], 2, /give one of them/],
    ['two targets', () => ['calibrate', '--quality', '30', '--speedup', '3'], 2, /give one of them/],
    [
      'recipes by speed',
      () => ['calibrate', '--recipes', '--speedup', '2'],
      2,
      /--recipes tries precisions; it goes with --quality/,
    ],
    ['a recipe for floats', () => ['calibrate', '--recipes', '--precisions', 'fp32'], 2, /fp32 has no recipe/],
    ['a policy without coefficients', () => ['calibrate', '--policy', 'fora'], 2, /no coefficients/],
    [
      'measurements with other settings',
      () => ['calibrate', ...measuring, '--guidance', '2', '--quality', '20'],
      2,
      /other settings.*guidanceScale/,
    ],
  ])('explains %s', (_, args, code, text) => {
    const outcome = run(...args());
    expect(outcome.stderr).toMatch(text);
    expect(outcome.status).toBe(code);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(folder, 'video.mp4'))).toBe(false);
  });
});
