import { expect, test } from 'vitest';
import { numbers } from '../../test/scalars.ts';
import { createRunState } from '../state.ts';
import { residualHistory } from './history.ts';

test.each([0, 1, 2])(
  'of order %i as many residuals of a node are held as a prediction takes, the oldest freed',
  (order) => {
    const history = residualHistory(createRunState(), order);
    const residuals = Array.from({ length: 5 }, (_, step) => numbers([step, step]));
    for (const [step, residual] of residuals.entries()) {
      history.observe('a', step, residual);
      residual.dispose();
    }
    const held = order + 1;
    expect(history.bytes()).toBe(held * 8);
    expect(history.latest('a')).toEqual({ step: 4, residual: residuals[4] });
    expect(history.predict('a', 5)!.map(({ tensor }) => tensor)).toEqual(residuals.slice(-held).reverse());
    expect(history.latest('b')).toBeUndefined();
    expect(history.predict('b', 5)).toBeUndefined();
    history.dispose();
    expect(history.bytes()).toBe(0);
  },
);
