// The server with every client that docs/serving.md names, by exact versions, each installed into a folder of its own:
// npm run build && node scripts/clients.mjs [FOLDER] [CLIENT...]
// Not part of the tests, because it takes minutes and Python; .ci/run tries openai for Node and the AI SDK.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const versions = { 'openai@6': '6.49.0', 'openai@7': '7.57.0', ai: '7.0.173', openai: '3.57.0', litellm: '1.110.2' };
const [folder = mkdtempSync(join(tmpdir(), 'quantcache-clients-')), ...wanted] = process.argv.slice(2);
const data = mkdtempSync(join(tmpdir(), 'quantcache-served-'));
const python = join(resolve(folder), 'python/bin/python');
const key = 'a key of more than sixteen characters';

/** Runs a command to its end; throws with what it said where it fails. */
function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status === 0) return stdout.trim();
  throw new Error(error?.message ?? `${command} ${args.join(' ')}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
}

/** A folder with one npm package. */
function withPackage(name, version) {
  const place = join(resolve(folder), `${name}-${version}`);
  if (!existsSync(join(place, 'node_modules', name))) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), '{}\n');
    run('npm', ['install', '--prefix', place, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`]);
  }
  return { place, found: JSON.parse(readFileSync(join(place, 'node_modules', name, 'package.json'), 'utf8')).version };
}

/** Tests that take a client from a folder. */
function tested(name, version, file) {
  const { place, found } = withPackage(name, version);
  const env = { ...process.env, QUANTCACHE_TEST_CLIENTS: place, NO_COLOR: '1' };
  const said = run('npx', ['vitest', 'run', '--maxWorkers=1', file], { env });
  return `${found}: ${/Tests.*?(\d+ passed.*)/.exec(said)?.[1] ?? said}`;
}

function withPython() {
  if (existsSync(python)) return;
  run('python3', ['-m', 'venv', join(folder, 'python')]);
  run(python, ['-m', 'pip', 'install', '--quiet', `openai==${versions.openai}`, `litellm==${versions.litellm}`]);
}

/** A server that pretends; its address. */
function pretend() {
  const server = spawn(process.execPath, [resolve('test/serve/fake.mjs'), '0', data], {
    env: { ...process.env, FAKE_ENGINE_STEP: '20', FAKE_API_KEY: key },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((done) =>
    server.stdout.once('data', (text) => done({ server, url: new URL(String(text)).origin })),
  );
}

const { server, url } = await pretend();
const contract = (client) => {
  withPython();
  return `${run(python, [resolve('test/serve/clients/contract.py'), url, key, client])}: the contract holds`;
};
/** An example as it is, with packages from where they were installed. */
const example = (name, command, place) => {
  const cwd = place ?? resolve(folder);
  const file = resolve('examples/clients', name);
  const copy = join(cwd, name);
  writeFileSync(copy, readFileSync(file));
  const env = { ...process.env, QUANTCACHE_URL: url, QUANTCACHE_API_KEY: key };
  return run(command, [copy], { cwd, env }).split('\n').at(-1);
};

const clients = {
  'openai 6 (Node)': () => tested('openai', versions['openai@6'], 'test/serve/openai.test.ts'),
  'openai 7 (Node)': () => tested('openai', versions['openai@7'], 'test/serve/openai.test.ts'),
  'AI SDK': () => tested('ai', versions.ai, 'test/serve/aisdk.test.ts'),
  'openai (Python)': () => contract('openai'),
  LiteLLM: () => contract('litellm'),
  'examples/clients/openai.mjs': () =>
    example('openai.mjs', process.execPath, withPackage('openai', versions['openai@6']).place),
  'examples/clients/ai-sdk.mjs': () => {
    const { place } = withPackage('ai', versions.ai);
    const own = join(place, 'node_modules/quantcache');
    if (!existsSync(own)) run('ln', ['-s', resolve('.'), own]);
    return example('ai-sdk.mjs', process.execPath, place);
  },
  'examples/clients/openai_client.py': () => {
    withPython();
    return example('openai_client.py', python);
  },
  'examples/clients/curl.sh': () => example('curl.sh', 'sh'),
};
let failed = 0;
console.log(`Node ${process.version}`);
for (const [name, attempt] of Object.entries(clients)) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  try {
    console.log(`${name} ${attempt()}`);
  } catch (error) {
    failed++;
    console.log(`${name} FAILED: ${error.message}`);
  }
}
server.kill();
process.exitCode = failed > 0 ? 1 : 0;
