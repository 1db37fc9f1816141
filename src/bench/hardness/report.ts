/** A measurement of hardness as Markdown, aligned so that it reads as well on a terminal. */
import { markdownTable } from '../table.ts';
import { counted, percent, times } from '../texts.ts';
import type { Hardness } from './hardness.ts';
import { reference } from './protocol.ts';
import type { AgreementSummary, Decibels, HardnessSummary } from './summary.ts';
import { judged } from './verdict.ts';

/** One table per part that was measured, each with what its columns mean, then where it was measured. */
export function hardnessReport(hardness: Hardness): string {
  const { fidelity, agreement, oracle } = hardness.summary;
  const sections = [
    ...(fidelity ? fidelitySections(fidelity, hardness) : []),
    ...(agreement ? agreementSections(agreement) : []),
    ...(oracle ? oracleSections(oracle, hardness) : []),
    footnote(hardness),
  ];
  return `${sections.join('\n\n')}\n`;
}

const db = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(1));
const decibelCells = ({ median, tenth, worst }: Decibels): string[] => [db(median), db(tenth), db(worst)];
const agreed = (share: number | undefined): string => (share === undefined ? '-' : percent(share));

type Fidelity = NonNullable<HardnessSummary['fidelity']>;

function fidelitySections(fidelity: Fidelity, { settings }: Hardness): string[] {
  const { rows, anotherSeed, anotherPrompt, prompts, trajectory } = fidelity;
  const allRight = (label: string) => {
    const own = fidelity.agreement.filter((row) => row.label === label);
    const clips = own.reduce((sum, row) => sum + row.clips, 0);
    return clips > 0 ? own.reduce((sum, row) => sum + row.right.all! * row.clips, 0) / clips : undefined;
  };
  const lines = [
    [reference, String(settings.numSteps), '', '', '', '', agreed(allRight(reference))],
    ...rows.map((row) => [
      row.label,
      String(row.evaluations),
      ...decibelCells(row),
      db(row.aboveAnotherSeed),
      agreed(allRight(row.label)),
    ]),
    ...(anotherSeed ? [['another seed', '', ...decibelCells(anotherSeed), '', '']] : []),
    ...(anotherPrompt ? [['another prompt', '', ...decibelCells(anotherPrompt), '', '']] : []),
  ];
  const columns = ['against full', 'evaluations', 'median', '10th', 'worst', 'above another seed', 'agreement'];
  return [
    markdownTable(columns, lines),
    `${counted(fidelity.clips, 'clip')}; decibels of PSNR: median, 10th percentile, worst. \`static\` computes the first three steps and then every second one, and reuses the whole step's residual between (mask ${settings.cached.mask}).`,
    ...(prompts
      ? [
          `Prompts by \`${prompts.row}\`, each the mean over its seeds: 10th percentile ${db(prompts.tenth)}, median ${db(prompts.median)}, 90th ${db(prompts.ninetieth)} dB; the easiest tenth is ${db(prompts.gap)} dB above the hardest; rank correlation between two seeds ${prompts.orderBetweenSeeds?.toFixed(2) ?? '-'} (${counted(prompts.prompts, 'prompt')}).`,
        ]
      : []),
    markdownTable(
      ['step', 'divergence', 'bend'],
      trajectory.bend.map((bend, i) => [String(i + 1), percent(trajectory.divergence[i]!), percent(bend)]),
    ),
    `Medians. Divergence: how much what the whole step adds to the hidden state differs from the step before, relative L1. Bend: how much the guided velocity does, relative L2. The way is ${trajectory.detour.toFixed(3)} times as long as the straight line.`,
  ];
}

function agreementSections({ rows, places, clips }: NonNullable<HardnessSummary['agreement']>): string[] {
  const names = [...judged, 'all'];
  const cells = ({ label, objects, right, clips }: AgreementSummary) => [
    label,
    String(objects),
    String(clips),
    ...names.map((name) => percent(right[name]!)),
  ];
  return [
    rows.length > 0
      ? markdownTable(['agreement', 'objects', 'clips', ...judged, 'all at once'], rows.map(cells))
      : `None of ${counted(clips, 'clip')} could be judged: the prompts are not of the model's vocabulary.`,
    ...(places
      ? [
          `Starting places take ${percent(places.share)} of the room that the motions leave (${places.cells}x${places.cells} cells, ${counted(places.places, 'place')}).`,
        ]
      : []),
  ];
}

function oracleSections(oracle: NonNullable<HardnessSummary['oracle']>, { settings }: Hardness): string[] {
  const { leaps, beam } = settings.oracle;
  const lines = oracle.targets.map(({ target, oracle: own, fixed, ratio }) => [
    `${target} dB`,
    own.mean.toFixed(1),
    `${own.least} to ${own.most}`,
    fixed ? String(fixed.evaluations) : '-',
    fixed ? fixed.leaps : '-',
    db(fixed?.tenth),
    db(fixed?.median),
    ratio === undefined ? '-' : times(ratio),
  ]);
  const columns = ['target', 'oracle, mean', 'range', 'one path', 'its leaps', '10th', 'median', 'one path / oracle'];
  return [
    markdownTable(columns, lines),
    `Evaluations of the network, ${counted(oracle.clips, 'clip')}. Oracle: per clip the cheapest path of leaps of ${leaps.join(', ')} steps that reaches the target, so that every clip does. One path: the cheapest that is the same for all and whose 10th percentile reaches it. Euler leaps with the model's guidance, nothing fitted; beam search of width ${beam} per step by latent error, which ranks finished paths as their decoded PSNR does (rank correlation ${oracle.rank?.toFixed(2) ?? '-'}) and, choosing among paths of as many evaluations, loses ${oracle.loss.toFixed(2)} dB against it; all figures are decoded, ${oracle.searched} evaluations per clip searched.`,
  ];
}

function footnote({ settings, machines }: Hardness): string {
  const { model, weights, numSteps, guidanceScale, geometry } = settings;
  const machine = machines.at(-1);
  const where = machine
    ? ` ${machine.processor}, ${counted(machine.cores, 'core')}, ${machine.runtime}, quantcache ${machine.version} at ${machine.commit}, ${machine.date.slice(0, 10)}.`
    : '';
  return `Model ${model} (${weights.slice(0, 12)}), ${counted(geometry.numFrames, 'frame')} of ${geometry.width}x${geometry.height}, ${counted(numSteps, 'Euler step')}, guidance ${guidanceScale}, fp32.${where}`;
}
