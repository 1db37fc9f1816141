/** Comparisons that have a name: rows as data, in the notation of `rows.ts`. */
import { QuantCacheError } from '../index.ts';

/** A caching method with the settings that make its curve, from slow to fast. */
const cachingPeers: Readonly<Record<string, readonly [string, string, string, ...string[]]>> = {
  static: ['every=2', 'every=3', 'every=4'],
  adacache: [
    'codebook=slow',
    'codebook=fast',
    'codebook=[[0.15,8],[0.3,6],[0.5,4],[0.7,2]]',
    'codebook=fast,motion=true',
  ],
  teacache: ['threshold=0.1', 'threshold=0.2', 'threshold=0.4'],
  magcache: ['threshold=0.06', 'threshold=0.12', 'threshold=0.24,maxInARow=5'],
  easycache: ['threshold=0.05', 'threshold=0.1,warmup=6', 'threshold=0.2,warmup=4'],
  taylorseer: ['interval=3', 'interval=5', 'interval=7'],
  fbcache: ['threshold=0.05', 'threshold=0.1', 'threshold=0.2'],
  dbcache: ['front=1,warmup=4,threshold=0.08', 'front=1,warmup=4,threshold=0.16', 'front=1,warmup=4,threshold=0.32'],
  deltadit: ['interval=2', 'interval=3', 'interval=4'],
  fora: ['interval=2', 'interval=3', 'interval=5'],
  pab: ['spatial=2,temporal=4,cross=6', 'spatial=3,temporal=5,cross=7', 'spatial=5,temporal=7,cross=9'],
  tgate: ['gate=10', 'gate=10,improving=2', 'gate=5,improving=3'],
};

const stepReductions = ['full#20', 'full#15', 'full#10', 'full#7', 'full#5'];

const quantizationPeers = ['q-diffusion', 'q-dit', 'ptq4dit', 'smoothquant', 'quarot', 'vidit-q'];

/** The balanced profile without each of its parts, and with the one that it may have left out. */
const ablation = ['hlc=false', 'aigq=false', 'srap=false', 'srap={"threshold":0.03}'].map(
  (part) => `quantcache:profile=balanced,${part}`,
);

/** Our own: as published, and as we define it, calibrated for targets and at other qualities, and without each of its parts. */
const own = [
  'quantcache-paper',
  'quantcache-paper@w8a8',
  'quantcache-paper@w4a6',
  'quantcache-paper:bits=["w8a8","w4a8","w4a6"]',
  'quantcache:profile=quality',
  'quantcache:profile=balanced',
  'quantcache:profile=fast',
  ...[24, 28, 32, 36, 44].map((decibels) => `quantcache:profile=balanced,quality=${decibels}`),
  'quantcache@w8a8:aigq=false',
  'quantcache@w4a6:profile=balanced,aigq=false',
  ...ablation,
];

const withPrecision = (row: string, precision: string): string => row.replace(/(?=[:#]|$)/, `@${precision}`);

const paper = [
  ...stepReductions,
  'full@w8a8',
  'full@w8a8#15',
  'full@w4a8',
  ...['w8a8', 'w4a8'].flatMap((precision) => quantizationPeers.map((recipe) => `full@${precision}/${recipe}`)),
  ...Object.entries(cachingPeers).flatMap(([policy, settings]) =>
    settings.map((options) => `${policy}:${options}`).flatMap((row) => [row, withPrecision(row, 'w8a8')]),
  ),
  'adacache@w8a8/vidit-q:codebook=fast',
  ...own,
];

/** Standard samplers in 8 bits at some numbers of evaluations, the model's own first. */
const standardSamplers = ['unipc', 'unipc-3', 'dpm-solver++', 'adams-bashforth', 'heun'].map(
  (name) => `:sampler=${name}`,
);
const samplers = [3, 4, 5, 6, 8, 10, 15].flatMap((evaluations) =>
  ['', ...standardSamplers].map((sampler) => `full@w8a8#${evaluations}${sampler}`),
);

/** Rows of each suite, as `--policies` takes them. */
export const suites: Readonly<Record<string, string>> = {
  paper: paper.join(','),
  samplers: samplers.join(','),
  ablation: ['quantcache:profile=balanced', ...ablation].join(','),
};

/** The rows of a suite; throws `invalid_option` for one that there is not. */
export function suiteRows(name: string): string {
  const rows = Object.hasOwn(suites, name) ? suites[name] : undefined;
  if (rows !== undefined) return rows;
  throw new QuantCacheError(
    'invalid_option',
    `There is no suite "${name}". Choose one of: ${Object.keys(suites).join(', ')}.`,
  );
}
