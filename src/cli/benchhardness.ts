/** `quantcache bench hardness`: how much a model leaves to accelerate, and how much of it only adaptivity can have. */
import { Command, InvalidArgumentError } from 'commander';
import { assertMemory } from '../api/run.ts';
import { assertFormat } from '../api/video.ts';
import { autosave } from '../bench/autosave.ts';
import { type Hardness, hardnessText, loadHardness, saveHardness } from '../bench/hardness/hardness.ts';
import { measureHardness } from '../bench/hardness/measure.ts';
import { type Part, parts } from '../bench/hardness/protocol.ts';
import { hardnessReport } from '../bench/hardness/report.ts';
import { hardnessSheet, sheetRows } from '../bench/hardness/sheet.ts';
import { readPrompts, vocabularyOf } from '../bench/world.ts';
import { assertOutputs } from '../files/outputs.ts';
import { openModel, saveVideo } from '../index.ts';
import { startRuntime } from './device.ts';
import { refuseUnread } from './given.ts';
import { finiteNumber, type ModelFlags, modelOf, wholeNumber, withModel } from './options.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';

const firstSeed = 42;
const most = 10_000;

interface HardnessFlags extends ModelFlags {
  parts: readonly Part[];
  prompts: number;
  promptsFrom?: string;
  seeds: number;
  agreementPrompts: number;
  oraclePrompts: number;
  beam: number;
  steps: number;
  guidance?: number;
  out?: string;
  sheet?: string;
  sheetPrompts: number;
  json?: boolean;
  quiet?: boolean;
}

const partsHelp = `
Parts:
  fidelity    fewer steps and whole-step reuse against full computation; another seed and another prompt; the trajectory
  agreement   how often clips show what their prompts ask for, with full computation and with 5 and 4 steps; starting places
  oracle      per clip the cheapest path of leaps that reaches 26, 30 and 34 dB, against one path for all clips

Example:
  quantcache bench hardness --prompts 40 --seeds 2 --out hardness.json --sheet hardness.png`;

export function hardnessCommand(): Command {
  return withModel(new Command('hardness').description('how hard the model is to accelerate, as a test bed must be'))
    .option('--parts <list>', `what to measure, of ${parts.join(', ')}`, partList, parts)
    .option('--prompts <count>', 'prompts of the fidelity part, from the first', wholeNumber(1, most), 40)
    .option(
      '--prompts-from <file>',
      'a prompt per line, or a .json list; default: evaluation prompts of the demo model',
    )
    .option('--seeds <count>', `seeds of each, from ${firstSeed} up`, wholeNumber(1, most), 2)
    .option('--agreement-prompts <count>', 'prompts of the agreement part, a seed each', wholeNumber(1, most), 200)
    .option('--oracle-prompts <count>', 'prompts of the oracle, a seed each', wholeNumber(1, most), 20)
    .option('--beam <count>', 'paths that the oracle follows per step', wholeNumber(1, most), 2)
    .option('--steps <count>', 'steps of full computation', wholeNumber(2, most), 30)
    .option('--guidance <scale>', 'classifier-free guidance; default: that of the model', finiteNumber)
    .option('-o, --out <file>', 'JSON of every clip; a run that finds its own file continues it')
    .option('--sheet <file.png>', `contact sheet; of each prompt, a line each: ${sheetRows.join(', ')}`)
    .option('--sheet-prompts <count>', 'prompts on the sheet', wholeNumber(1, most), 6)
    .option('--json', 'print the JSON instead of the tables')
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', partsHelp)
    .action(runHardness);
}

async function runHardness(flags: HardnessFlags, command: Command): Promise<void> {
  refuseUnmeasured(flags, command);
  const outputs = [
    ...(flags.out ? [{ path: flags.out, option: '--out', makesFolder: true }] : []),
    ...(flags.sheet ? [{ path: flags.sheet, option: '--sheet', makesFolder: true }] : []),
  ];
  await assertOutputs(outputs, flags.promptsFrom ? [{ path: flags.promptsFrom, option: '--prompts-from' }] : []);
  if (flags.sheet) await assertFormat(flags.sheet);
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet));
  const earlier = flags.out === undefined ? undefined : await loadHardness(flags.out);
  const counts = { fidelity: flags.prompts, agreement: flags.agreementPrompts, oracle: flags.oraclePrompts };
  const all = await readPrompts(Math.max(...flags.parts.map((part) => counts[part])), flags.promptsFrom);
  const promptsOf = (part: Part) => (flags.parts.includes(part) ? all.slice(0, counts[part]) : []);
  const runtime = await startRuntime(flags, signal);
  await using pipeline = await openModel(runtime, { ...modelOf(flags), signal, onProgress: progress.downloading });
  assertMemory(pipeline, { geometry: pipeline.geometry({}), prompts: 1, precision: 'fp32' });
  await using saving = autosave(async (hardness: Hardness) => {
    if (flags.out) await saveHardness(flags.out, hardness);
  });
  const run = measureHardness(pipeline, runtime, {
    prompts: promptsOf('fidelity'),
    seeds: Array.from({ length: flags.seeds }, (_, i) => firstSeed + i),
    agreement: promptsOf('agreement').map((prompt, i) => ({ prompt, seed: firstSeed + i })),
    oracle: promptsOf('oracle').map((prompt) => ({ prompt, seed: firstSeed })),
    beam: flags.beam,
    numSteps: flags.steps,
    guidanceScale: flags.guidance ?? pipeline.defaults.guidanceScale,
    vocabulary: await vocabularyOf(flags.model),
    earlier,
    signal,
    onEvent: progress.generating,
    onEstimate: ({ evaluations, milliseconds }) =>
      progress.note(
        `about ${evaluations} evaluations of the network to make, which take about ${seconds(milliseconds)}`,
      ),
  });
  let next = await run.next();
  for (; !next.done; next = await run.next()) {
    const { part, found, millisecondsLeft, hardness } = next.value;
    await saving.take(hardness);
    progress.note(`${part} ${found}${millisecondsLeft > 0 ? `; about ${seconds(millisecondsLeft)} left` : ''}`);
  }
  const hardness = next.value;
  await saving.take(hardness);
  if (flags.sheet) {
    const shown = all.slice(0, flags.sheetPrompts);
    const picture = await hardnessSheet(pipeline, runtime, {
      ...hardness.settings,
      prompts: shown,
      seed: firstSeed,
      signal,
    });
    await saveVideo(picture, flags.sheet, { model: pipeline.model, prompts: shown, rows: sheetRows }, signal);
  }
  progress.end();
  process.stdout.write(flags.json ? `${hardnessText(hardness)}\n` : hardnessReport(hardness));
}

/** Refuses counts of what is not measured. */
function refuseUnmeasured({ parts: measured, sheet }: HardnessFlags, command: Command): void {
  const readBy = { fidelity: ['prompts', 'seeds'], agreement: ['agreementPrompts'], oracle: ['oraclePrompts', 'beam'] };
  for (const part of parts)
    if (!measured.includes(part)) refuseUnread(command, readBy[part], `--parts leaves out ${part}; add it`);
  if (sheet === undefined) refuseUnread(command, ['sheetPrompts'], 'it is about a sheet; add --sheet <file.png>');
}

/** Parts by name, each once. */
function partList(text: string): readonly Part[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  const strange = names.find((name) => !parts.includes(name as Part));
  if (strange !== undefined) throw new InvalidArgumentError(`There is no part "${strange}"; use ${parts.join(', ')}.`);
  return names as Part[];
}
