/** `quantcache doctor`: what to look at, and to send along, when something does not work. */
import { Command } from 'commander';
import {
  cachesReport,
  machineReport,
  type SelfTest,
  testDemoModel,
  testIntegerProducts,
  versionsReport,
} from '../api/doctor.ts';
import { createRuntime, QuantCacheError } from '../index.ts';
import { tryDevice } from './device.ts';
import { interruptSignal } from './progress.ts';

interface Flags {
  json?: boolean;
}

export function command(): Command {
  return new Command('doctor')
    .description('show machine, devices, versions and caches, and test that the engine works here')
    .option('--json', 'print as JSON')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const signal = interruptSignal();
  const cpu = await createRuntime();
  const report = {
    versions: versionsReport(),
    machine: machineReport(),
    devices: [
      { device: 'cpu', works: true, detail: cpu.description },
      await probe('webgpu', signal),
      await probe('cuda', signal),
    ],
    caches: await cachesReport(),
    tests: [await testIntegerProducts(cpu), await testDemoModel(cpu, signal)],
  };
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : `${linesOf(report).join('\n')}\n`);
  const failed = report.tests.filter(({ pass }) => !pass);
  if (failed.length > 0)
    throw new QuantCacheError(
      'verification_failed',
      `The self-test failed: ${failed.map(({ name }) => name).join(', ')}.`,
    );
}

interface DeviceReport {
  readonly device: string;
  readonly works: boolean;
  readonly detail: string;
}

async function probe(device: string, signal: AbortSignal): Promise<DeviceReport> {
  const failure = await tryDevice(device, signal);
  return { device, works: failure === undefined, detail: failure ?? 'works' };
}

interface Report {
  readonly versions: ReturnType<typeof versionsReport>;
  readonly machine: ReturnType<typeof machineReport>;
  readonly devices: readonly DeviceReport[];
  readonly caches: Awaited<ReturnType<typeof cachesReport>>;
  readonly tests: readonly SelfTest[];
}

function linesOf({ versions, machine, devices, caches, tests }: Report): string[] {
  const section = (title: string, rows: readonly (readonly [string, string])[]) => [
    title,
    ...rows.map(([name, value]) => `  ${name.padEnd(26)} ${value}`),
  ];
  const { processor, cores, memoryBytes, freeMemoryBytes, system } = machine;
  return [
    ...section('machine', [
      ['processor', `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}`],
      ['memory', `${size(memoryBytes)}, ${size(freeMemoryBytes)} free`],
      ['system', system],
    ]),
    ...section(
      'versions',
      Object.entries(versions).map(([name, version]) => [name, version ?? 'not installed']),
    ),
    ...section(
      'devices',
      devices.map(({ device, detail }) => [device, detail]),
    ),
    ...section(
      'caches',
      caches.map(({ name, folder, bytes, unreadable, canWrite }) => [
        name,
        `${bytes === undefined ? `cannot be read (${unreadable})` : `${size(bytes)} in ${folder}`}${canWrite ? '' : ' (cannot be written)'}`,
      ]),
    ),
    ...section(
      'tests',
      tests.map(({ name, pass, detail }) => [pass ? 'pass' : 'FAIL', `${name}: ${detail}`]),
    ),
  ];
}

/** An amount of memory for people. */
function size(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MB` : `${(bytes / 2 ** 30).toFixed(1)} GB`;
}
