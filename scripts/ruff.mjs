// Lints the Python of training/ and bench/pytorch/ where Python and ruff are there; says so where they are not.
import { spawnSync } from 'node:child_process';

const python = ['python3', 'python'].find((name) => spawnSync(name, ['-m', 'ruff', '--version']).status === 0);
if (python)
  process.exitCode =
    spawnSync(python, ['-m', 'ruff', 'check', 'training', 'bench/pytorch'], { stdio: 'inherit' }).status ?? 1;
else console.error('ruff is not installed: the Python of training/ and bench/pytorch/ was not checked');
