/** `quantcache worker`: makes the clips of servers that share its database. */
import { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { QuantCacheError } from '../errors.ts';
import { dataFolderIn } from '../serve/server.ts';
import { startWorker } from '../serve/worker.ts';
import { type ModelFlags, withModel } from './options.ts';
import { engineOf, keepOf, type WorkFlags, withWork } from './serving.ts';
import { clearStops, onStop } from './stops.ts';

const examples = `
Example, on every machine, with a folder that all of them see:
  DATABASE_URL=postgres://user:password@host:5432/clips quantcache worker --data /mnt/shared`;

export function command(): Command {
  const workerCommand = new Command('worker').description(
    'make clips for servers that share a database (DATABASE_URL); as many as you like, on any machines',
  );
  return withModel(withWork(workerCommand, 1)).addHelpText('after', examples).action(run);
}

async function run(flags: ModelFlags & WorkFlags): Promise<void> {
  const { database, home } = readEnvironment();
  if (!database)
    throw new QuantCacheError(
      'invalid_option',
      'A worker takes its jobs from a database, and none is named. Set DATABASE_URL=postgres://user:password@host:5432/name; without one, "quantcache serve" makes clips itself.',
    );
  process.umask(0o077);
  const stopped = onStop();
  const worker = await startWorker({
    database,
    data: flags.data ?? dataFolderIn(home),
    engines: flags.engines,
    engine: engineOf(flags),
    keep: keepOf(flags),
    tell: (message) => process.stderr.write(`${message}\n`),
  });
  process.stderr.write('The worker is ready.\n');
  try {
    await stopped;
  } finally {
    await worker.stop();
    clearStops();
  }
}
