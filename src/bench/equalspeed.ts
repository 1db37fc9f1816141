/** Quality at equal speed: every other way to accelerate beside the best of ours that is about as fast. */
import type { Entry } from './entries.ts';
import { decibels, percent, times } from './texts.ts';

export interface EqualSpeed {
  readonly other: Entry;
  /** At least as fast, but for the tolerance. */
  readonly ours: Entry;
  /** Decibels of PSNR that ours has more. */
  readonly psnr: number;
}

/** Speeds that differ by less are called equal. */
export const tolerance = 0.05;

/** A pair per row that is not ours, in the order of the entries; rows that are faster than all of ours have none. */
export function atEqualSpeed(entries: readonly Entry[]): EqualSpeed[] {
  const counted = entries.filter(({ simulated, summary }) => !simulated && summary.fidelity);
  const own = counted.filter(({ kind }) => kind === 'quantcache');
  return counted.flatMap((other) => {
    if (other.kind === 'quantcache') return [];
    const fastEnough = own.filter(({ speed }) => speed >= other.speed * (1 - tolerance));
    const [first, ...rest] = fastEnough;
    if (!first) return [];
    const ours = rest.reduce((best, one) => (psnrOf(one) > psnrOf(best) ? one : best), first);
    return [{ other, ours, psnr: psnrOf(ours) - psnrOf(other) }];
  });
}

/** What tables show of a pair: the same figures of both, each after its name, and the difference. */
export const pairFigures = ['speed', 'PSNR', 'agreement'] as const;

/** The figures of one side of a pair; `none` stands for what was not measured. */
export const figuresOf = ({ speed, summary: { fidelity, agreement } }: Entry, none: string): string[] => [
  times(speed),
  fidelity ? decibels(fidelity.psnr.median) : none,
  agreement ? percent(agreement.all) : none,
];

/** Decibels with their sign: "+2.5". */
export const signed = (psnr: number): string => `${psnr > 0 ? '+' : ''}${psnr.toFixed(1)}`;

const psnrOf = ({ summary }: Entry): number => summary.fidelity!.psnr.median;
