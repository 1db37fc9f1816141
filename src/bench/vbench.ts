/**
 * Clips as files for the official tools, VBench (github.com/Vchitect/VBench) and DOVER (github.com/VQAssessment/DOVER):
 *
 *     DIR/prompts.json                    {"PROMPT-0.mp4": "PROMPT", ...}, VBench's --prompt_file, the same for all rows
 *     DIR/teacache-threshold=0.1/         a folder per row: VBench's --videos_path, DOVER's --input_video_dir
 *         a large red star-0.mp4          {prompt}-{index}.mp4, the index counts the seeds of a prompt from 0
 *
 *   python evaluate.py --mode custom_input --videos_path DIR/ROW --prompt_file DIR/prompts.json --dimension ...
 *
 * A prompt that can be a file name on every system is used as it is, so that VBench's own prompts are found in its standard
 * mode; of others the name is made safe and prompts.json has the text. The json lies outside of the rows' folders because
 * the standard mode takes the extension of the first file that it finds there. VBench itself refuses to judge `scene` and
 * other dimensions that need its own prompts in custom mode.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileError } from '../files/failure.ts';
import { saveJson } from '../files/json.ts';
import { type Frames, QuantCacheError, saveVideo } from '../index.ts';
import type { Cell, Comparison } from './comparison.ts';
import type { Row } from './rows.ts';
import { counted } from './texts.ts';

export interface VbenchFolder {
  /** Writes a clip whole or not at all. */
  save(clip: Cell & { readonly row: string }, frames: Frames, signal?: AbortSignal): Promise<void>;
  /** Whether the file of a clip is there. */
  has(clip: Cell & { readonly row: string }): Promise<boolean>;
}

/** Bytes of a name without index and extension; file systems take 255. */
const longestName = 200;

/**
 * Makes the folders and writes `prompts.json`. Throws `invalid_option` for a folder that has clips of other prompts, because
 * the tools would judge them too, and `io` where nothing can be written.
 */
export async function openVbenchFolder(
  folder: string,
  rows: readonly Pick<Row, 'label'>[],
  cells: readonly Cell[],
): Promise<VbenchFolder> {
  const names = namesOfCells(cells);
  const folders = safeNames(rows.map(({ label }) => label.replace(/[. ]+$/, '')));
  const files = new Set(names.values());
  for (const name of folders) await claim(join(folder, name), files);
  const prompts = Object.fromEntries(cells.map((cell) => [names.get(keyOf(cell))!, cell.prompt]));
  await saveJson(join(folder, 'prompts.json'), prompts, 1);
  const pathOf = (clip: Cell & { readonly row: string }): string => {
    const row = rows.findIndex(({ label }) => label === clip.row);
    return join(folder, folders[row]!, names.get(keyOf(clip))!);
  };
  return {
    async save(clip, frames, signal) {
      const { row, prompt, seed } = clip;
      await saveVideo(frames, pathOf(clip), { row, prompt, seed }, signal);
    },
    has: (clip) =>
      stat(pathOf(clip)).then(
        () => true,
        () => false,
      ),
  };
}

/** Clips of the comparison whose file is not there: an earlier session measured them without this folder. */
export async function clipsWithoutFile(
  vbench: VbenchFolder,
  { rows, cells, clips }: Pick<Comparison, 'rows' | 'cells' | 'clips'>,
): Promise<{ row: Row; cell: Cell }[]> {
  const missing: { row: Row; cell: Cell }[] = [];
  for (const cell of cells)
    for (const row of rows) {
      const made = clips.some((clip) => clip.row === row.label && keyOf(clip) === keyOf(cell));
      if (made && !(await vbench.has({ ...cell, row: row.label }))) missing.push({ row, cell });
    }
  return missing;
}

const keyOf = ({ prompt, seed }: Cell): string => JSON.stringify([prompt, seed]);

/** `{prompt}-{index}.mp4` per cell; the index is the place among the seeds of the prompt. */
function namesOfCells(cells: readonly Cell[]): Map<string, string> {
  const prompts = [...new Set(cells.map(({ prompt }) => prompt))];
  const names = safeNames(prompts);
  return new Map(
    prompts.flatMap((prompt, i) =>
      cells
        .filter((cell) => cell.prompt === prompt)
        .map((cell, index) => [keyOf(cell), `${names[i]}-${index}.mp4`] as const),
    ),
  );
}

/**
 * Names that every common file system takes, and tells apart even where it ignores case: characters that Windows forbids
 * become dashes, what is too long is cut, and what would be ambiguous then gets a hash of the text.
 */
export function safeNames(texts: readonly string[]): string[] {
  const plain = texts.map((text) => {
    const allowed = text.normalize('NFC').replaceAll(/[\p{Cc}<>:"/\\|?*]+/gu, '-') || '_';
    return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(allowed) ? `_${allowed}` : allowed;
  });
  const folded = plain.map((name) => name.toLowerCase());
  return plain.map((name, i) => {
    const isShared = folded.indexOf(folded[i]!) !== folded.lastIndexOf(folded[i]!);
    const isLong = Buffer.byteLength(name) > longestName;
    return isShared || isLong ? `${cut(name, longestName - 9)}-${hashOf(texts[i]!)}` : name;
  });
}

/** As many whole characters as fit into so many bytes. */
function cut(text: string, bytes: number): string {
  let room = bytes;
  let end = 0;
  for (const character of text) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Makes a folder, or finds it with nothing but files of ours. */
async function claim(folder: string, files: ReadonlySet<string>): Promise<void> {
  let present: string[];
  try {
    await mkdir(folder, { recursive: true });
    present = await readdir(folder);
  } catch (error) {
    throw fileError('write', folder, error);
  }
  const others = present.filter((name) => ['.mp4', '.gif'].includes(extname(name).toLowerCase()) && !files.has(name));
  if (others.length === 0) return;
  throw new QuantCacheError(
    'invalid_option',
    `${folder} has ${counted(others.length, 'clip')} of other prompts, such as ${JSON.stringify(others[0])}, which VBench would judge too. Give another folder, or remove them.`,
  );
}
