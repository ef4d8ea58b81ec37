import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toMarkdown } from './report.ts';
import { type Plan, run } from './run.ts';
import { workloadNames } from './workload.ts';

const help = `Measures the gateway before a stub upstream, next to a static HTTP server that answers the same bytes,
and counts the upstream calls of single queries.

Usage: npm run bench -- [--rounds 5] [--seconds 2] [--workloads W1,W3] [--out out/bench.json]

  --rounds     how often each row is measured, 1 to 100
  --seconds    how long each time, 0.01 to 60; twice as long to warm up
  --workloads  W1: one job by id
               W2: 20 jobs, each with its training file
               W3: a page of 100 jobs
               W4: one job with events, checkpoints and files
               W5: W2, everybody asks the same, of an upstream that takes 20 ms
               W6: W4 of an upstream that takes 20 ms
  --out        where the figures of every round go as JSON; the tables go to standard output
`;

interface Options extends Plan {
  readonly out: string;
}

/** Throws when an argument is not understood; null means that help is wanted. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      workloads: { type: 'string', default: workloadNames.join() },
      out: { type: 'string', default: fileURLToPath(new URL('../../out/bench.json', import.meta.url)) },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  const asked = values.workloads.split(',');
  const workloads = workloadNames.filter((name) => asked.includes(name));
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) throw new Error('--rounds: expected 1 to 100.');
  if (!(seconds >= 0.01 && seconds <= 60)) throw new Error('--seconds: expected 0.01 to 60.');
  if (workloads.length !== asked.length) throw new Error(`--workloads: expected some of ${workloadNames}.`);
  return { rounds, seconds, workloads, out: values.out };
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(signal: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const { rounds, seconds, out } = options;
  const outcome = await run(options, signal, say);
  const report = { when: new Date().toISOString(), node: process.version, rounds, seconds, ...outcome };
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify(report, null, 1)}\n`);
  process.stdout.write(toMarkdown(report));
}

// An interrupted run fails at its next step, and what it started ends as after any other failure.
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interruption.abort());
}
try {
  await main(interruption.signal);
} catch (error) {
  const isInterrupted = interruption.signal.aborted; // What then fails first is of no interest.
  say(isInterrupted ? 'Interrupted.' : String(error instanceof Error ? error.message : error));
  process.exitCode = isInterrupted ? 130 : 1;
}
