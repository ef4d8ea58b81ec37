import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';
import { toMarkdown } from './report.ts';
import { type BenchPlan, run } from './run.ts';
import { workloadNames } from './workload.ts';

const help = `Measures the gateway with a stub upstream, beside a static HTTP server with the same responses and a graphql-yoga server
with DataLoader: CPU per query, latencies, starts and memory at rest. Counts the upstream calls of single queries.

Usage: npm run bench -- [--rounds 5] [--seconds 2] [--workloads W1,W3] [--out out/bench.json] [--docs] [--profile]

  --rounds     measurements of each row, and starts, 1 to 100
  --seconds    duration of each measurement, 0.01 to 60; the warm-up takes twice as long
  --workloads  W1: one job by id
               W2: 20 jobs, each with its training file
               W3: a page of 100 jobs
               W4: one job with events, checkpoints and files
               W5: W2, the same query from all clients, with an upstream latency of 20 ms
               W6: W4 with an upstream latency of 20 ms
  --out        JSON file for the figures of all rounds; the tables go to standard output
  --docs       writes the tables into docs/performance.md, too
  --profile    writes a CPU profile of each gateway into out/profiles; the figures include the profiler then
`;

const PROFILE_FLAGS = ['--cpu-prof', `--cpu-prof-dir=${fileURLToPath(new URL('../../out/profiles', import.meta.url))}`];

interface Options extends BenchPlan {
  readonly out: string;
  readonly docs: boolean;
}

/** Null for --help. Throws when an option is invalid. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      workloads: { type: 'string', default: workloadNames.join() },
      out: { type: 'string', default: fileURLToPath(new URL('../../out/bench.json', import.meta.url)) },
      docs: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const rounds = wholeNumber('rounds', values.rounds, 100);
  const seconds = Number(values.seconds);
  const names = values.workloads.split(',');
  const workloads = workloadNames.filter((name) => names.includes(name));
  if (!(seconds >= 0.01 && seconds <= 60))
    throw new Error(`--seconds: ${values.seconds} is not a number from 0.01 to 60, such as 2.`);
  if (workloads.length !== names.length)
    throw new Error(`--workloads: ${values.workloads} has an unknown name; expected some of ${workloadNames}.`);
  const { out, docs, profile } = values;
  return { rounds, seconds, workloads, out, docs, gatewayFlags: profile ? PROFILE_FLAGS : [] };
}

async function main(signal: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const { rounds, seconds, out, docs } = options;
  const result = await run(options, signal, print);
  const machine = { node: process.version, cores: availableParallelism() };
  const report = { when: new Date().toISOString(), ...machine, rounds, seconds, ...result };
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify(report, null, 1)}\n`);
  await publish('bench', toMarkdown(report), docs);
}

await runProgram(main);
