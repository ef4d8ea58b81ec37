import { execute as toolsExecute } from '@graphql-tools/executor';
import { type ExecutionResult, execute, Kind, parse } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Context } from '../../src/request/context.ts';
import type { Loaders } from '../../src/request/loaders.ts';
import { ResponseMeter } from '../../src/request/response-meter.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { planOperation } from '../../src/server/graphql/planned-operation.ts';
import { readCheckpoint } from '../../src/upstream/resources/checkpoint.ts';
import { readEvent } from '../../src/upstream/resources/event.ts';
import { readFile } from '../../src/upstream/resources/file.ts';
import { readJob } from '../../src/upstream/resources/job.ts';
import { median } from './numbers.ts';
import { allFiles, allJobs, checkpointsOf, eventsOf } from './stub-data.ts';

// Compares executors of GraphQL on the queries of the benchmark, with data that is already there: no HTTP, no upstream.
// W5 and W6 send the queries of W2 and W4.

const scalars = 'id status model: modelId createdAt finishedAt fineTunedModel: fineTunedModelId trainedTokens seed';
const file = '{ id filename bytes }';
const QUERIES = {
  W1: `query ($id: ID!) { job: fineTuningJob(id: $id) { ${scalars} } }`,
  W2: `query ($after: String) { jobs: fineTuningJobs(first: 20, after: $after) { edges { node { id status trainingFile ${file} } } } }`,
  W3: `query ($after: String) { jobs: fineTuningJobs(first: 100, after: $after) { edges { node { ${scalars} } } } }`,
  W4: `query ($id: ID!) { job: fineTuningJob(id: $id) { id status
    events(first: 20) { edges { node { id createdAt level message } } }
    checkpoints { edges { node { id stepNumber fineTunedModelCheckpoint: fineTunedModelId } } }
    trainingFile ${file} validationFile ${file} } }`,
};

const VARIABLES = { id: 'ftjob-1', after: null };

const ROUND_MS = 400;
const ROUNDS = 5;

const schema = createSchema();
const jobs = allJobs().slice(0, 100).map(readJob);
const files = new Map(allFiles().map((body) => [body.id, readFile(body)]));
const firstBody = allJobs().find(({ status }) => status === 'succeeded') ?? { id: '' };
const page = <T extends { id: string }>(values: readonly T[]) =>
  Promise.resolve({ items: values.map((value) => ({ id: value.id, value })), hasMore: true });
const events = eventsOf(firstBody).slice(0, 20).map(readEvent);
const checkpoints = checkpointsOf(firstBody).map(readCheckpoint);

const loaders: Pick<Loaders, 'job' | 'jobs' | 'file' | 'events' | 'checkpoints'> = {
  job: async () => jobs[0] ?? null,
  jobs: ({ limit }) => page(jobs.slice(0, limit)),
  file: async (id) => files.get(id) ?? null,
  events: () => page(events),
  checkpoints: () => page(checkpoints),
};

// The queries read nothing else of the context.
const newContext = () => ({ loaders, response: new ResponseMeter(10_000_000) }) as unknown as Context;

type Run = () => ExecutionResult | Promise<ExecutionResult>;

/** Creates the function that executes a query once. Documents are parsed, compiled and planned before. */
const EXECUTORS: Record<string, (query: string) => Run> = {
  'graphql-js': (query) => {
    const document = parse(query);
    return () => execute({ schema, document, contextValue: newContext(), variableValues: VARIABLES });
  },
  'graphql-tools': (query) => {
    const document = parse(query);
    return () =>
      toolsExecute({ schema, document, contextValue: newContext(), variableValues: VARIABLES }) as ReturnType<Run>; // No @defer, no @stream.
  },
  'graphql-jit': (query) => {
    const compiled = compileQuery(schema, parse(query));
    if (!isCompiledQuery(compiled)) throw new Error('the query cannot be compiled');
    return () => compiled.query(undefined, newContext(), VARIABLES);
  },
  planned: (query) => {
    const document = parse(query);
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('the query has no operation');
    const planned = planOperation({ schema, document, operation, hideSuggestions: false });
    return () => planned.execute(newContext(), VARIABLES);
  },
};

async function cpuMicroseconds(act: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function repeat(run: Run, isDone: (count: number) => boolean): Promise<number> {
  let count = 0;
  while (!isDone(count)) {
    await run();
    count++;
  }
  return count;
}

async function measureRound(run: Run): Promise<number> {
  const end = performance.now() + ROUND_MS;
  let count = 0;
  const cpu = await cpuMicroseconds(async () => {
    count = await repeat(run, () => performance.now() >= end);
  });
  return cpu / count;
}

const lines = [`| µs of CPU per execution | ${Object.keys(EXECUTORS).join(' | ')} |`];
for (const [name, query] of Object.entries(QUERIES)) {
  const runs = Object.values(EXECUTORS).map((create) => ({ create, rounds: [] as number[], run: create(query) }));
  const texts = await Promise.all(runs.map(async ({ run }) => JSON.stringify(await run())));
  if (new Set(texts).size !== 1 || texts[0]?.includes('errors'))
    throw new Error(`${name}: the responses differ: ${texts.join('\n')}`);
  for (let round = 0; round < ROUNDS; round++) for (const { run, rounds } of runs) rounds.push(await measureRound(run));
  lines.push(`| ${name} | ${runs.map(({ rounds }) => median(rounds).toFixed(1)).join(' | ')} |`);
}
process.stdout.write(`${lines.join('\n')}\n`);
