import { systemClock } from '../../src/clock.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';

// The upstream of the upload benchmark: a sandbox, which writes uploaded files to disk.

const sandbox = await createSandbox({ clock: systemClock, speed: 1, seed: 1 });
process.stderr.write(`${sandbox.baseUrl}\n`);
process.once('SIGTERM', () => void sandbox.dispose().then(() => process.exit()));
