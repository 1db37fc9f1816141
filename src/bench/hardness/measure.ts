/**
 * Measures how hard a model is to accelerate. An async generator: it yields after every clip, so that saving, progress and
 * stopping belong to the caller; what an earlier measurement has is not made again.
 */
import type { Vocabulary } from '../../api/metrics.ts';
import { type GenerateEvent, type Pipeline, QuantCacheError, type Runtime } from '../../index.ts';
import type { Cell } from '../comparison.ts';
import { describeMachine } from '../machine.ts';
import { decibels } from '../texts.ts';
import { fullClips, measureAgreement, measureFidelity, timeEvaluation, type Workshop } from './clips.ts';
import { evaluationsLeft, fixedFor, isComplete, isFixedMissing, missingIn, type Records, type Wanted } from './due.ts';
import { openField } from './field.ts';
import { assertSameHardness, type Hardness } from './hardness.ts';
import { type Course, openCourse, searchAll, searchClip } from './oracle.ts';
import { cachedEvaluations, hardnessRows, leaps, type Part, warmupMask } from './protocol.ts';
import type { AgreementRecord, HardnessSettings, PathRecord } from './records.ts';
import { summarizeHardness } from './summary.ts';

export interface HardnessOptions {
  /** Prompts of the fidelity part, and seeds of each. */
  readonly prompts: readonly string[];
  readonly seeds: readonly number[];
  /** Clips whose agreement is judged. */
  readonly agreement: readonly Cell[];
  /** Clips that the oracle searches. */
  readonly oracle: readonly Cell[];
  /** Paths that the oracle follows per step. */
  readonly beam: number;
  readonly numSteps: number;
  readonly guidanceScale: number;
  readonly vocabulary?: Vocabulary;
  readonly earlier?: Hardness;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GenerateEvent) => void;
  /** Told once, before the first clip, what is to be made and how long that takes, by the time of a short clip. */
  readonly onEstimate?: (estimate: { readonly evaluations: number; readonly milliseconds: number }) => void;
}

/** A clip is done, or a layer of the oracle's search over all clips. */
export interface HardnessEvent {
  readonly part: Part;
  /** One line on what was found. */
  readonly found: string;
  /** Estimated from the evaluations so far. */
  readonly millisecondsLeft: number;
  /** All that has been measured so far. */
  readonly hardness: Hardness;
}

/** Measures what is wanted. Throws `invalid_option` if `earlier` was measured with other settings. */
export async function* measureHardness(
  pipeline: Pipeline,
  runtime: Runtime,
  options: HardnessOptions,
): AsyncGenerator<HardnessEvent, Hardness> {
  const { prompts, seeds, numSteps, guidanceScale, beam, earlier, signal, vocabulary } = options;
  const settings = await settingsOf(pipeline, options);
  if (earlier) assertSameHardness(earlier, settings);
  if (options.agreement.length > 0 && !vocabulary)
    throw new QuantCacheError(
      'invalid_option',
      'Agreement cannot be judged: the model has no vocabulary. Leave that part out: --parts fidelity,oracle.',
    );

  const wanted: Wanted = {
    fidelity: prompts.flatMap((prompt) => seeds.map((seed) => ({ prompt, seed }))),
    agreement: options.agreement,
    oracle: options.oracle,
  };
  let { fidelity, agreement, oracle, fixed }: Records = earlier ?? { fidelity: [], agreement: [], oracle: [] };
  const records = () => ({ fidelity, agreement, oracle, fixed });
  const sessions = earlier?.machines ?? [];
  const machines = isComplete(wanted, records()) ? sessions : [...sessions, describeMachine(runtime)];
  const current = (): Hardness => ({
    format: 'quantcache-hardness',
    version: 1,
    settings,
    machines,
    summary: summarizeHardness({ settings, ...records() }),
    ...records(),
  });

  const rows = hardnessRows(numSteps);
  const toMake = evaluationsLeft(wanted, records(), rows);
  if (options.onEstimate && toMake > 0) {
    const [cell] = [...wanted.fidelity, ...wanted.agreement, ...wanted.oracle];
    const milliseconds = toMake * (await timeEvaluation({ ...options, pipeline, runtime }, cell!));
    options.onEstimate({ evaluations: toMake, milliseconds });
  }
  const began = performance.now();
  let evaluations = 0;
  const onEvaluations = (count: number) => {
    evaluations += count;
  };
  const event = (part: Part, found: string): HardnessEvent => {
    const perEvaluation = (performance.now() - began) / Math.max(1, evaluations);
    const millisecondsLeft = perEvaluation * evaluationsLeft(wanted, records(), rows);
    return { part, found, millisecondsLeft, hardness: current() };
  };
  const shop: Workshop = { ...options, pipeline, runtime, rows, onEvaluations };

  // One clip per seed is what the next prompt's clips are compared with.
  const full = fullClips(shop, seeds.length + 1);
  for (const cell of missingIn('fidelity', wanted, records())) {
    const [prompt, seed] = [prompts.indexOf(cell.prompt), seeds.indexOf(cell.seed)];
    const record = await measureFidelity(shop, cell, full, {
      otherSeed: seed > 0 ? { ...cell, seed: seeds[seed - 1]! } : undefined,
      otherPrompt: prompt > 0 ? { ...cell, prompt: prompts[prompt - 1]! } : undefined,
    });
    fidelity = [...fidelity, record];
    const found = Object.entries(record.psnr).map(([label, psnr]) => `${label} ${decibels(psnr)}`);
    yield event('fidelity', `${fidelity.length}/${wanted.fidelity.length} clips: ${found.join(', ')} dB`);
  }

  for (const cell of missingIn('agreement', wanted, records())) {
    const record = await measureAgreement(shop, cell);
    agreement = [...agreement, record];
    yield event('agreement', `${agreement.length}/${wanted.agreement.length} clips: ${verdictText(record)}`);
  }

  const open = async (cell: Cell): Promise<Course> => {
    const field = { numSteps, guidanceScale, signal, onEvaluation: () => onEvaluations(1) };
    return openCourse(cell, await openField(pipeline, runtime, cell, field), numSteps);
  };
  for (const cell of missingIn('oracle', wanted, records())) {
    await using course = await open(cell);
    const record = await searchClip(course, { numSteps, beam });
    oracle = [...oracle, record];
    yield event('oracle', `${oracle.length}/${wanted.oracle.length} clips: ${pathText(record.paths.at(-1)!)}`);
  }

  if (isFixedMissing(wanted, records())) {
    const courses: Course[] = [];
    try {
      for (const cell of wanted.oracle) courses.push(await open(cell));
      const search = searchAll(courses, { numSteps, beam, earlier: fixedFor(wanted, records()) });
      for (let next = await search.next(); !next.done; next = await search.next()) {
        fixed = next.value;
        const last = fixed.paths.at(-1);
        const found = last ? pathText({ ...last, psnr: Math.min(...last.psnr) }) : 'none has reached the end yet';
        yield event('oracle', `one path for all clips: ${found}`);
      }
    } finally {
      for (const course of courses) await course[Symbol.asyncDispose]();
    }
  }
  return current();
}

async function settingsOf(
  pipeline: Pipeline,
  { numSteps, guidanceScale, beam }: HardnessOptions,
): Promise<HardnessSettings> {
  return {
    model: pipeline.model,
    weights: await pipeline.hash(),
    numSteps,
    guidanceScale,
    geometry: pipeline.geometry({}),
    cached: { mask: warmupMask(numSteps), evaluations: cachedEvaluations(numSteps) },
    oracle: { leaps, beam, fitted: false },
  };
}

function verdictText({ verdicts }: AgreementRecord): string {
  if (!verdicts) return 'cannot be judged';
  const texts = Object.entries(verdicts).map(
    ([label, { wrong }]) => `${label} ${wrong.length > 0 ? `wrong in ${wrong.join(', ')}` : 'right'}`,
  );
  return texts.join('; ');
}

const pathText = ({ evaluations, leaps, psnr }: PathRecord): string =>
  `${evaluations} evaluations, ${leaps}, ${decibels(psnr)} dB`;
