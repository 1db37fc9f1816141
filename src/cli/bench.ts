/** `quantcache bench`: measurements, as JSON that says on what machine, with which versions and seeds they were made. */
import { Command, Option } from 'commander';
import { canRead, imageTextScores } from '../api/metrics.ts';
import { families } from '../api/models.ts';
import { assertMemory } from '../api/run.ts';
import { assertFormat } from '../api/video.ts';
import { autosave } from '../bench/autosave.ts';
import { makeClip } from '../bench/clip.ts';
import { clipSheet } from '../bench/clipsheet.ts';
import { type CompareEvent, type CompareOptions, compare } from '../bench/compare.ts';
import { type Cell, type Comparison, loadComparison, saveComparison } from '../bench/comparison.ts';
import { openImageTextFolder } from '../bench/imagetextfolder.ts';
import { clipsFolder, keepClip } from '../bench/kept.ts';
import { openPipelines } from '../bench/pipelines.ts';
import { fullRow, parseRows, withReferences } from '../bench/rows.ts';
import { suiteRows } from '../bench/suites.ts';
import { agreementTable, comparisonTable } from '../bench/table.ts';
import { counted } from '../bench/texts.ts';
import { clipsWithoutFile, openVbenchFolder } from '../bench/vbench.ts';
import { readPrompts, vocabularyOf } from '../bench/world.ts';
import { assertOutputs } from '../files/outputs.ts';
import { saveText } from '../files/write.ts';
import {
  createRuntime,
  type Frames,
  type Precision,
  precisions,
  QuantCacheError,
  type SizeRequest,
  saveVideo,
} from '../index.ts';
import { clipCommand } from './benchclip.ts';
import { hardnessCommand } from './benchhardness.ts';
import { kernelsCommand } from './benchkernels.ts';
import { pageCommand, writePage } from './benchpage.ts';
import { stepCommand } from './benchstep.ts';
import { startRuntime } from './device.ts';
import { refuseUnread } from './given.ts';
import { finiteNumber, type ModelFlags, modelOf, positiveNumber, wholeNumber, withModel, withSize } from './options.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';

const firstSeed = 42;

export function command(): Command {
  const bench = new Command('bench').description('measure speed, memory and quality');
  bench.addCommand(compareCommand(), { isDefault: true });
  bench.addCommand(agreementCommand());
  bench.addCommand(hardnessCommand());
  bench.addCommand(pageCommand());
  bench.addCommand(stepCommand());
  bench.addCommand(clipCommand());
  bench.addCommand(kernelsCommand());
  bench
    .command('random-model')
    .description('write a model of published size with random weights to measure with (about 7 GB)')
    .argument('<folder>', 'folder to write')
    .option(
      '--text-layers <count>',
      'layers of the text encoder; 24 as published (about 15 GB)',
      wholeNumber(1, 100),
      2,
    )
    .action((folder: string, { textLayers }: { textLayers: number }) => {
      const { writeRandom } = families.find((family) => family.writeRandom)!;
      return writeRandom!(folder, { textLayers, signal: interruptSignal() });
    });
  return bench;
}

interface RunFlags extends ModelFlags, SizeRequest {
  prompts: number;
  promptsFrom?: string;
  steps: number;
  guidance?: number;
  out?: string;
  json?: boolean;
  budget?: number;
  quiet?: boolean;
}

/** What the commands that make many clips understand. */
function withRun(command: Command, { prompts }: { prompts: number }): Command {
  return withSize(withModel(command))
    .option('--prompts <count>', 'how many prompts, from the first', wholeNumber(1), prompts)
    .option(
      '--prompts-from <file>',
      'a prompt per line, or a .json list; default: evaluation prompts of the demo model',
    )
    .option('--steps <count>', 'denoising steps', wholeNumber(1), 30)
    .option('--guidance <scale>', 'classifier-free guidance; 1 turns it off', finiteNumber)
    .option(
      '-o, --out <file>',
      'JSON of every clip, saved every few seconds; a run that finds its own file continues it',
    )
    .option(
      '--budget <minutes>',
      'stop between clips when the time is up; --out continues another time',
      positiveNumber,
    )
    .option('--json', 'print the JSON instead of the table')
    .option('-q, --quiet', 'no progress');
}

interface CompareFlags extends RunFlags {
  policies: string;
  suite?: string;
  keep: number;
  html?: string;
  seeds: number;
  precision: Precision;
  markdown?: string;
  clip?: string;
  vbench?: string;
}

const rowsHelp = `
Rows: name[@precision[/recipe]][#steps][:option=value,option=value], separated by commas.
  full#15                             full computation with 15 steps
  teacache@w8a8:threshold=0.1         a policy with an option, in 8 bits
  full@w4a8/quarot                    quantized by a published method
  full@w8a8#8:sampler=unipc           another sampler: unipc, unipc-3, dpm-solver++, adams-bashforth, heun
Full computation in fp32 is always measured: all else is compared with it.

Example:
  quantcache bench --policies full#15,teacache,adacache --prompts 5 --seeds 2 --out results.json --markdown table.md
  quantcache bench --suite paper --prompts 3 --budget 60 --out paper.json --html paper.html`;

function compareCommand(): Command {
  const policies = 'full#15,full@w8a8,teacache@w8a8,adacache@w8a8,quantcache:profile=balanced';
  return withRun(new Command('compare').description('policies against each other (the default)'), { prompts: 3 })
    .option('-p, --policies <rows>', 'what to compare, see below', policies)
    .option('--seeds <count>', `seeds per prompt, from ${firstSeed} up`, wholeNumber(1, 10_000), 1)
    .addOption(new Option('--precision <precision>', 'of rows that name none').choices(precisions).default('fp32'))
    .option(
      '--suite <name>',
      'rows that belong together instead: paper, every method of the paper and of the field; ablation, our parts; samplers, standard solvers in 8 bits',
    )
    .option('--markdown <file>', 'write the table')
    .option('--html <file>', 'write a page with table, curves, clips and decision maps; its numbers go to --out')
    .option('--keep <count>', 'prompts whose clips the page shows; kept beside --out', wholeNumber(0), 2)
    .option(
      '--clip <folder>',
      'CLIP model in ONNX, as transformers.js has them, for CLIPSIM and CLIP-Temp; its weights count as memory of all rows',
    )
    .option('--vbench <folder>', 'write all clips as VBench and DOVER read them: ROW/PROMPT-INDEX.mp4, prompts.json')
    .addHelpText('after', rowsHelp)
    .action(runCompare);
}

async function runCompare(flags: CompareFlags, command: Command): Promise<void> {
  if (flags.suite !== undefined) refuseUnread(command, ['policies'], '--suite names the rows; give one of them');
  if (flags.html === undefined) refuseUnread(command, ['keep'], 'clips are kept for a page; add --html <file>');
  const defaults = { numSteps: flags.steps, precision: flags.precision };
  flags.out ??= flags.html?.replace(/(\.html)?$/, '.json');
  await assertFiles(flags, [
    ['--out', flags.out],
    ['--markdown', flags.markdown],
    ['--html', flags.html],
  ]);
  const rows = withReferences(parseRows(flags.suite ? suiteRows(flags.suite) : flags.policies, defaults), flags.steps);
  const prompts = await readPrompts(flags.prompts, flags.promptsFrom);
  const seeds = Array.from({ length: flags.seeds }, (_, i) => firstSeed + i);
  const cells = prompts.flatMap((prompt) => seeds.map((seed) => ({ prompt, seed })));
  const { clip, vbench } = flags;
  const comparison = await measure(flags, rows, cells, { keep: [], show: cells.slice(0, flags.keep), clip, vbench });
  const table = comparisonTable(comparison);
  if (flags.markdown) await saveText(flags.markdown, table);
  if (flags.html) await writePage(comparison, flags.out!, flags.html);
  process.stdout.write(flags.json ? `${JSON.stringify(comparison)}\n` : table);
}

/** Checks everything that the flags name files for, before anything is computed. */
async function assertFiles(
  { promptsFrom }: RunFlags,
  written: readonly (readonly [option: string, path: string | undefined])[],
): Promise<void> {
  const outputs = written.flatMap(([option, path]) =>
    path === undefined ? [] : [{ path, option, makesFolder: true }],
  );
  await assertOutputs(outputs, promptsFrom === undefined ? [] : [{ path: promptsFrom, option: '--prompts-from' }]);
}

interface AgreementFlags extends RunFlags {
  sheet?: string;
  sheetClips: number;
}

function agreementCommand(): Command {
  const description = 'how often clips of full computation show what their prompts ask for, per attribute';
  return withRun(new Command('agreement').description(description), { prompts: 200 })
    .option('--sheet <file.png>', 'contact sheet of the first clips, one per row')
    .option('--sheet-clips <count>', 'clips on the sheet', wholeNumber(1), 12)
    .action(runAgreement);
}

/** Every prompt gets a seed of its own, so that no clip's noise counts twice. */
async function runAgreement(flags: AgreementFlags, command: Command): Promise<void> {
  if (flags.sheet === undefined) refuseUnread(command, ['sheetClips'], 'it is about a sheet; add --sheet <file.png>');
  else await assertFormat(flags.sheet);
  await assertFiles(flags, [
    ['--out', flags.out],
    ['--sheet', flags.sheet],
  ]);
  const prompts = await readPrompts(flags.prompts, flags.promptsFrom);
  const cells = prompts.map((prompt, i) => ({ prompt, seed: firstSeed + i }));
  const row = fullRow(flags.steps, flags.steps);
  const onSheet = flags.sheet ? cells.slice(0, flags.sheetClips) : [];
  const comparison = await measure(flags, [row], cells, { keep: onSheet, file: flags.sheet, judges: true });
  const [summary] = comparison.summary;
  if (!summary?.agreement)
    throw new QuantCacheError(
      'invalid_option',
      'None of the prompts can be judged: the model has no vocabulary, or the prompts do not use it.',
    );
  const table = agreementTable(summary.agreement, summary.clips);
  process.stdout.write(flags.json ? `${JSON.stringify(comparison)}\n` : `${table}\n`);
}

/** What is done with clips besides measuring them. */
interface Extras {
  /** Clips for a contact sheet, and its file. */
  readonly keep: readonly Cell[];
  readonly file?: string;
  /** Clips for the page. */
  readonly show?: readonly Cell[];
  /** Folder of a CLIP model that judges them. */
  readonly clip?: string;
  /** Folder for the files of VBench. */
  readonly vbench?: string;
  /** Whether nothing but the judgement is wanted. */
  readonly judges?: boolean;
}

/** Opens the model and makes all clips that are not in the file yet; saves every few seconds and at the end, also at an early one. */
async function measure(
  flags: RunFlags,
  rows: CompareOptions['rows'],
  cells: readonly Cell[],
  extras: Extras,
): Promise<Comparison> {
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet));
  const earlier = flags.out === undefined ? undefined : await loadComparison(flags.out);
  const runtime = await startRuntime(flags, signal);
  const model = { ...modelOf(flags), signal, onProgress: progress.downloading };
  const size = { ...flags, numSteps: flags.steps, guidanceScale: flags.guidance, signal };
  await using pipelines = await openPipelines(runtime, model, size);
  const pipeline = pipelines.plain;
  assertMemory(pipeline, { geometry: pipeline.geometry(flags), prompts: 1, precision: 'fp32' });
  for (const row of rows) pipeline.network.schedule(pipeline.geometry(flags), row.numSteps);
  const readable = canRead(pipeline.geometry(flags));
  const vocabulary = readable ? await vocabularyOf(flags.model) : undefined;
  if (!readable)
    progress.note('clips of this size are not judged: agreement is read at the size of the demo model alone');
  if (extras.judges && !vocabulary)
    throw new QuantCacheError(
      'invalid_option',
      'None of the clips can be judged: the model has no vocabulary, or clips have another size than that of the demo model.',
    );
  // Scores do not depend on where the video model runs.
  await using judge = extras.clip
    ? await openImageTextFolder(await createRuntime({ threads: flags.threads }), extras.clip)
    : undefined;
  const vbench = extras.vbench ? await openVbenchFolder(extras.vbench, rows, cells) : undefined;
  const options: CompareOptions = {
    ...flags,
    rows,
    cells: cells as CompareOptions['cells'],
    numSteps: flags.steps,
    guidanceScale: flags.guidance,
    vocabulary,
    clipScores: judge && ((frames, prompt) => imageTextScores(judge, frames, prompt, signal)),
    earlier,
    pipelineFor: pipelines.for,
    signal,
    onEvent: progress.generating,
  };
  if (earlier) progress.note(`${flags.out} has ${counted(earlier.clips.length, 'clip')} already`);
  const kept = new Map<string, Frames>();
  await using saving = autosave(async (comparison: Comparison) => {
    if (flags.out) await saveComparison(flags.out, comparison);
  });
  const run = compare(pipeline, runtime, options);
  const stopAt = performance.now() + (flags.budget ?? Number.POSITIVE_INFINITY) * 60_000;
  let stopped: Comparison | undefined;
  let next = await run.next();
  for (; !next.done; next = await run.next()) {
    progress.note(describe(next.value));
    if (next.value.type !== 'clip') continue;
    const { clip, frames, trace, comparison, done, total } = next.value;
    if (extras.keep.some(({ prompt, seed }) => prompt === clip.prompt && seed === clip.seed))
      kept.set(clip.prompt, frames);
    if (flags.out && extras.show?.some(({ prompt, seed }) => prompt === clip.prompt && seed === clip.seed))
      await keepClip(clipsFolder(flags.out), clip, frames, trace);
    await vbench?.save(clip, frames, signal);
    await saving.take(comparison);
    if (done === total || performance.now() + clip.times.total < stopAt) continue;
    stopped = comparison;
    progress.note(missingClips(comparison));
    break;
  }
  const result = stopped ?? (next.value as Comparison);
  await saving.take(result);
  const unjudged = result.clips.filter(({ clipScores }) => !clipScores).length;
  if (judge && unjudged > 0)
    progress.note(
      `no scores for ${counted(unjudged, 'clip')} in ${flags.out}, made without --clip; give another --out`,
    );
  for (const { row, cell } of vbench && !stopped ? await clipsWithoutFile(vbench, result) : []) {
    progress.note(`making ${row.label} again for ${extras.vbench}`);
    const { frames } = await makeClip(await pipelines.for(row), runtime, { row, cell }, options);
    await vbench!.save({ ...cell, row: row.label }, frames, signal);
  }
  if (extras.file) {
    const picture = await clipSheet(pipeline, runtime, { ...options, row: rows[0], cells: extras.keep, kept });
    await saveVideo(picture, extras.file, { model: pipeline.model, prompts: extras.keep }, signal);
  }
  progress.end();
  return result;
}

/** What a budget left undone. */
function missingClips({ rows, cells, clips }: Comparison): string {
  const made = (label: string) => clips.filter(({ row }) => row === label).length;
  const short = rows.filter(({ label }) => made(label) < cells.length);
  const list = short.map(({ label }) => `${label} (${made(label)} of ${cells.length})`).join(', ');
  return `The time is up, ${counted(rows.length * cells.length - clips.length, 'clip')} missing. Not all clips: ${list}.`;
}

function describe(event: CompareEvent): string {
  if (event.type === 'warmup') return `warming up ${event.row.label}`;
  const { clip, done, total, millisecondsLeft } = event;
  const fidelity = clip.fidelity ? `, ${clip.fidelity.psnr.toFixed(1)} dB` : '';
  const right = clip.agreement ? `, ${clip.agreement.all ? 'right' : 'wrong'}` : '';
  const left = done < total ? `; ${seconds(millisecondsLeft)} left` : '';
  return `${done}/${total} ${clip.row}: ${seconds(clip.times.total)}${fidelity}${right}${left}`;
}
