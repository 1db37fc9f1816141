// Whether everything works on this machine, and computes what the original code does: node examples/check-installation.mjs
import { fileURLToPath } from 'node:url';
import { createRuntime } from 'quantcache';
import { machineReport, testDemoModel, testIntegerProducts, versionsReport } from 'quantcache/doctor';
import { verifiers, verifyFolder } from 'quantcache/verification';

function report(name, pass) {
  console.log(`${pass ? 'passes' : 'FAILS'}: ${name}`);
  if (!pass) process.exitCode = 1;
}

const { processor, cores, system } = machineReport();
console.log(`${processor}, ${cores} cores, ${system}, quantcache ${versionsReport().quantcache}`);
const runtime = await createRuntime();
for (const { name, pass, detail } of [await testIntegerProducts(runtime), await testDemoModel(runtime)])
  report(`${name} (${detail})`, pass);

// Tensors of the original code are part of a checkout, not of the package.
const folder = fileURLToPath(new URL('../test/fixtures/golden', import.meta.url));
const worst = new Map();
for await (const result of verifyFolder(runtime, folder, { verifiers: verifiers() })) {
  const { case: name, pass } = result;
  worst.set(name, (worst.get(name) ?? true) && pass);
}
for (const [name, pass] of worst) report(name, pass);
