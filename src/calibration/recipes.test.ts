/** Which recipes are tried and which of them is picked; `test/calibrate.test.ts` runs them. */
import { describe, expect, test } from 'vitest';
import { defaultRecipes } from '../quantization/recipe.ts';
import { pickRecipe, type RecipeTrial, recipesToTry } from './recipes.ts';

test('one scale per row and per sample, smoothed and rotated or not; the default first', () => {
  const tried = recipesToTry('w8a8', 'cpu');
  expect([...tried.keys()]).toHaveLength(8);
  expect([...tried][0]).toEqual(['token', defaultRecipes.w8a8]);
  expect(tried.get('sample, smoothed, rotated')).toMatchObject({
    activations: { granularity: 'sample' },
    smoothing: { layers: ['attention-input', 'feed-forward-input'] },
    rotation: { size: 128 },
  });
});

test('no scale per sample where the kernel has none', () => {
  for (const tried of [recipesToTry('w8a8', 'webgpu'), recipesToTry('w4a6', 'cpu')])
    expect([...tried.keys()]).toEqual(['token', 'token, smoothed', 'token, rotated', 'token, smoothed, rotated']);
});

describe('picked is', () => {
  const trial = (name: string, psnr: number, time: number): RecipeTrial => ({
    precision: 'w8a8',
    name,
    recipe: defaultRecipes.w8a8,
    psnr,
    worstPsnr: psnr,
    time,
  });

  test('the fastest that is exact enough', () => {
    const trials = [trial('plain', 57, 1), trial('sample', 46, 0.8), trial('faster', 40, 0.6)] as const;
    expect(pickRecipe(trials, 45).name).toBe('sample');
  });

  test('one as fast that is more exact', () => {
    const trials = [trial('plain', 46, 1), trial('smoothed', 52, 1.03), trial('rotated', 60, 1.3)] as const;
    expect(pickRecipe(trials, 45).name).toBe('smoothed');
  });

  test('one that is just as fast as counts for as fast', () => {
    const trials = [trial('plain', 46, 1), trial('smoothed', 52, 1.05)] as const;
    expect(pickRecipe(trials, 45).name).toBe('smoothed');
  });

  test('one as fast that is a decibel more exact', () => {
    const trials = [trial('plain', 50, 1), trial('smoothed', 51, 1.01)] as const;
    expect(pickRecipe(trials, 45).name).toBe('smoothed');
  });

  test('the simplest where nothing tells them apart', () => {
    const trials = [trial('plain', 54.3, 1), trial('smoothed', 54.5, 0.99)] as const;
    expect(pickRecipe(trials, 45).name).toBe('plain');
  });

  test('where none is exact enough, the fastest of the most exact', () => {
    const trials = [trial('plain', 36, 1), trial('rotated', 37.7, 1.23), trial('sample, rotated', 37.8, 1.06)] as const;
    expect(pickRecipe(trials, 45).name).toBe('sample, rotated');
  });
});
