/** `quantcache bench page`: the page of a comparison, from its results file and the clips beside it. */
import { Command } from 'commander';
import { type Comparison, loadComparison } from '../bench/comparison.ts';
import { clipsFolder, loadKept } from '../bench/kept.ts';
import { comparisonPage } from '../bench/page/page.ts';
import { assertOutputs } from '../files/outputs.ts';
import { saveText } from '../files/write.ts';
import { QuantCacheError } from '../index.ts';

export function pageCommand(): Command {
  return new Command('page')
    .description('one self-contained HTML file of a comparison')
    .argument('<results.json>', 'what a comparison wrote to --out')
    .requiredOption('-o, --out <page.html>', 'file to write')
    .action(async (file: string, { out }: { out: string }) => {
      await assertOutputs(
        [{ path: out, option: '--out', makesFolder: true }],
        [{ path: file, option: '<results.json>' }],
      );
      const comparison = await loadComparison(file);
      if (!comparison)
        throw new QuantCacheError('io', `There are no results in ${file}; give the --out of a comparison.`);
      await writePage(comparison, file, out);
      process.stdout.write(`${out}\n`);
    });
}

/** Writes the page of a comparison that is filed in `results`. */
export async function writePage(comparison: Comparison, results: string, out: string): Promise<void> {
  await saveText(out, comparisonPage(comparison, await loadKept(clipsFolder(results))));
}
