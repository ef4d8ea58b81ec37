import { systemClock } from '../../src/clock.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';

// The upstream of the benchmark of uploads: a sandbox, which puts what comes on the disk.

const sandbox = await createSandbox({ clock: systemClock, speed: 1, seed: 1 });
process.stderr.write(`${sandbox.baseUrl}\n`);
process.once('SIGTERM', () => void sandbox.dispose().then(() => process.exit()));
