/** `quantcache cache`: what is kept on disk, and its removal. */
import { Command } from 'commander';
import { clearCaches, listCaches } from '../api/doctor.ts';

interface Flags {
  json?: boolean;
}

export function command(): Command {
  const cache = new Command('cache').description('what is kept on disk, all of which can be made again');
  cache
    .command('list')
    .description('show what is kept, where, and what it takes')
    .option('--json', 'print as JSON')
    .action(async ({ json }: Flags) => print(await listCaches(), json));
  cache
    .command('clear')
    .description('remove it; downloaded models stay')
    .argument('[names...]', 'quantized, text or hashes; default: all of them')
    .option('--json', 'print what was removed as JSON')
    .action(async (names: string[], { json }: Flags) =>
      print(await clearCaches(names.length > 0 ? names : undefined), json),
    );
  return cache;
}

function print(caches: Awaited<ReturnType<typeof listCaches>>, json: boolean | undefined): void {
  if (json) return void process.stdout.write(`${JSON.stringify(caches)}\n`);
  for (const { name, holds, folder, files, bytes } of caches) {
    const size = `${(bytes / 2 ** 20).toFixed(1)} MB`;
    process.stdout.write(`${name.padEnd(10)} ${size.padStart(11)}  ${files} files of ${holds}, in ${folder}\n`);
  }
}
