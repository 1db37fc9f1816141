/** `quantcache serve`: an HTTP server for clips, with a studio. */
import { Command, InvalidArgumentError } from 'commander';
import { readEnvironment } from '../environment.ts';
import { dataFolderIn, startServer } from '../serve/server.ts';
import { type ModelFlags, wholeNumber, withModel } from './options.ts';
import { engineOf, keepOf, type WorkFlags, withWork } from './serving.ts';
import { clearStops, onStop } from './stops.ts';

interface ServeFlags extends ModelFlags, WorkFlags {
  host: string;
  port: number;
  apiKey?: string[];
  allowHost?: string[];
  allowOrigin?: string[];
  alias?: Map<string, string>;
  fitSize?: boolean;
  maxQueue: number;
  createsPerMinute: number;
  json?: boolean;
}

const examples = `
Examples:
  quantcache serve                                     http://127.0.0.1:8000, for this machine only
  quantcache serve --data /srv/clips --alias sora-2=demo --fit-size
  DATABASE_URL=postgres://... quantcache serve --data /mnt/shared --engines 0   clips are made by "quantcache worker"
  QUANTCACHE_API_KEY=$(openssl rand -hex 24) quantcache serve --host 0.0.0.0 --allow-host clips.example.org`;

export function command(): Command {
  const serveCommand = new Command('serve')
    .description('make videos for HTTP clients: the API of OpenAI for videos, and a studio')
    .option('--host <address>', 'where to listen; other addresses than 127.0.0.1 need a key', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535), 8000)
    .option('--api-key <key>', 'a key that clients must send; may be given again', collect)
    .option('--allow-host <name>', 'a name under which the server is reached; may be given again', collect)
    .option('--allow-origin <origin>', 'pages that may use the server; may be given again', collect)
    .option('--alias <name=model>', 'another name for the model, such as sora-2=demo', alias)
    .option('--fit-size', 'take the nearest size where one is not possible')
    .option('--max-queue <count>', 'jobs that may wait', wholeNumber(1), 100)
    .option('--creates-per-minute <count>', 'new jobs of one client in a minute', wholeNumber(1), 60)
    .option('--json', 'print the address as JSON');
  return withModel(withWork(serveCommand, 0)).addHelpText('after', examples).action(run);
}

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

function alias(text: string, earlier = new Map<string, string>()): Map<string, string> {
  const [, name, model] = /^([^=\s]+)=(\S+)$/.exec(text) ?? [];
  if (!name || !model) throw new InvalidArgumentError('Write it as name=model.');
  return new Map([...earlier, [name, model]]);
}

async function run(flags: ServeFlags): Promise<void> {
  const environment = readEnvironment();
  const keys = [...(flags.apiKey ?? []), ...(environment.apiKey ? [environment.apiKey] : [])];
  process.umask(0o077);
  const { host, port, engines } = flags;
  const server = await startServer({
    ...{ host, port, engines },
    data: flags.data ?? dataFolderIn(environment.home),
    database: environment.database,
    engine: engineOf(flags),
    settings: {
      keys,
      allowHosts: flags.allowHost ?? [],
      allowOrigins: flags.allowOrigin ?? [],
      aliases: flags.alias ?? new Map(),
      fitsSize: flags.fitSize ?? false,
      maxQueue: flags.maxQueue,
      createsPerMinute: flags.createsPerMinute,
      keep: keepOf(flags),
    },
    tell: (message) => process.stderr.write(`${message}\n`),
  });
  const { url, studioUrl } = server;
  const stopped = onStop();
  process.stdout.write(flags.json ? `${JSON.stringify({ url, studioUrl })}\n` : `${studioUrl}\n`);
  try {
    await Promise.race([stopped, server.ready.then(() => stopped)]);
  } finally {
    await server.stop();
    clearStops();
  }
}
