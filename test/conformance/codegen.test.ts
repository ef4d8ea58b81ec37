import { readFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { mutationDocument, mutationFields } from '../kit/mutation/examples.ts';
import { exampleDocuments, scalarMap } from '../kit/process/documents.ts';
import { makeFolder } from '../kit/process/folder.ts';
import { runTool } from '../kit/process/tool.ts';

/** The list of jobs, the loss curve, the events, and every custom scalar. */
const QUERIES = `
query Jobs($filter: FineTuningJobFilter, $after: String) {
  fineTuningJobs(first: 20, filter: $filter, after: $after) {
    edges { node { id status modelId progress { fraction } trainingFile { id filename bytes } error { message } } }
    pageInfo { hasNextPage endCursor }
  }
}
query LossCurve($id: ID!) {
  fineTuningJob(id: $id) { id metrics { points { step validLoss } } }
}
query Log($id: ID!) {
  fineTuningJob(id: $id) { id events { edges { node { id level message } } } }
}
query Scalars($since: UnixTimestamp) {
  fineTuningJobs(filter: { createdAtOrAfter: $since }) {
    edges { node { id createdAt trainedTokens raw model { shutdownDate } hyperparameters { nEpochs learningRateMultiplier } } }
  }
}`;

const plugins = { typescript, operations };

/** Every mutation of the schema. */
const MUTATIONS = Object.keys(mutationFields()).map((name) => mutationDocument(name));

/** Runs a plugin on the schema, the first example of the README, the queries above and every mutation. */
function generate(plugin: keyof typeof plugins): Promise<string> {
  const documents = [...exampleDocuments().slice(0, 1), QUERIES, ...MUTATIONS];
  return codegen({
    filename: `${plugin}.ts`,
    schema: parse(readFileSync('schema.graphql', 'utf8')),
    documents: documents.map((text, index) => ({ location: `${index}.graphql`, document: parse(text) })),
    config: { scalars: scalarMap(), strictScalars: true },
    plugins: [{ [plugin]: {} }],
    pluginMap: plugins,
  });
}

/** Type-checks an app against the generated types with the strictest options. */
async function typecheck(app: string) {
  const [schema, queries] = await Promise.all([generate('typescript'), generate('operations')]);
  const folder = makeFolder({ 'schema.ts': schema, 'queries.ts': queries, 'app.ts': app });
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const options = ['--noEmit', '--target', 'esnext', '--module', 'nodenext', '--types', '', '--ignoreConfig'];
  const files = ['app.ts', 'schema.ts', 'queries.ts', '--allowImportingTsExtensions'];
  return runTool('typescript/bin/tsc', [...strict, ...options, ...files], folder);
}

const APP = `
import type { CancelFineTuningJobMutation, JobsQuery, JobsQueryVariables, LogQuery, LossCurveQuery, ScalarsQuery } from './queries.ts';
import type { CreateFineTuningJobMutationVariables, ErrorCode, UploadFileMutationVariables } from './queries.ts';
import type { FineTuningJob, Scalars } from './schema.ts';

export const failed: JobsQueryVariables = { filter: { statuses: ['FAILED'], createdAtOrAfter: 1_790_000_000 }, after: null };

export function names({ fineTuningJobs }: JobsQuery): (string | null)[] {
  return (fineTuningJobs?.edges ?? []).map(({ node }) => node?.trainingFile?.filename ?? null);
}
export function lowest({ fineTuningJob }: LossCurveQuery): number {
  const points = fineTuningJob?.metrics?.points ?? [];
  return Math.min(...points.map(({ validLoss }) => validLoss ?? Infinity));
}
export function hasErrors({ fineTuningJob }: LogQuery): boolean {
  return fineTuningJob?.events?.edges.some(({ node }) => node?.level === 'ERROR') ?? false;
}
export function first({ fineTuningJobs }: ScalarsQuery) {
  const job = fineTuningJobs?.edges[0]?.node;
  if (!job) return null;
  const id: string = job.id;
  const createdAt: number = job.createdAt;
  const tokens: number | null = job.trainedTokens;
  const raw: unknown = job.raw;
  const shutdown: string | null | undefined = job.model?.shutdownDate;
  const epochs: number | 'auto' | null | undefined = job.hyperparameters?.nEpochs;
  const factor: number | 'auto' | null | undefined = job.hyperparameters?.learningRateMultiplier;
  return { id, createdAt, tokens, raw, shutdown, epochs, factor };
}
export const upload: UploadFileMutationVariables = { input: { file: new Blob(['{}']), filename: 'train.jsonl' } };
export const creation: CreateFineTuningJobMutationVariables = { input: {
  modelId: 'gpt-4.1-mini', trainingFileId: 'file-1', method: { dpo: { hyperparameters: { nEpochs: 'auto', beta: 0.1 } } },
} };
export function reason({ cancelFineTuningJob: outcome }: CancelFineTuningJobMutation): ErrorCode | null {
  return outcome.__typename === 'CancelFineTuningJobSuccess' ? null : outcome.code;
}
export const bytes = (job: FineTuningJob): Scalars['SafeInt']['output'] | null => job.trainingFile?.bytes ?? null;
`;

describe('graphql-codegen, with the scalars of docs/clients.md', () => {
  it('generates types that an app can use with the strictest options', async () => {
    const { exitCode, output } = await typecheck(APP);
    expect(output).toBe('');
    expect(exitCode).toBe(0);
  });

  const MISTAKES = [
    ['reads a time as a string', 'const createdAt: number', 'const createdAt: string'],
    ['forgets that a number can be "auto"', "const epochs: number | 'auto' |", 'const epochs: number |'],
    ['reads a member of a JSON value', 'const raw: unknown = job.raw', 'const raw: unknown = job.raw.status'],
    ['filters by a status that does not exist', "['FAILED']", "['BROKEN']"],
    ['uploads a string as a file', "file: new Blob(['{}'])", "file: '{}'"],
    ['forgets that a mutation can fail', "outcome.__typename === 'CancelFineTuningJobSuccess' ? null : ", ''],
    ['sends two methods at once', 'method: { dpo:', 'method: { supervised: {}, dpo:'],
    ['forgets that a job can be missing', 'fineTuningJob?.metrics', 'fineTuningJob.metrics'],
  ] as const;
  for (const [mistake, right, wrong] of MISTAKES) {
    it(`lets the compiler reject an app that ${mistake}`, async () => {
      const { exitCode, output } = await typecheck(APP.replace(right, wrong));
      expect(exitCode).not.toBe(0);
      expect(output.match(/app\.ts\(\d+,\d+\): error/g)).toHaveLength(1);
    });
  }
});
