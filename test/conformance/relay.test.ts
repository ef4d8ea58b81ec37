import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../kit/gateway/gateway.ts';
import { capitalized, mutationDocument, mutationFields } from '../kit/mutation/examples.ts';
import { scalarMap } from '../kit/process/documents.ts';
import { makeFolder } from '../kit/process/folder.ts';
import { runTool } from '../kit/process/tool.ts';

/** The list of an app, for `usePaginationFragment`. */
const JOB_LIST = `
graphql\`fragment JobList_query on Query @refetchable(queryName: "JobListPageQuery")
    @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
  fineTuningJobs(first: $count, after: $cursor) @connection(key: "JobList_fineTuningJobs") { edges { node { id status } } }
}\`;
`;

/** A page of the app: a job by `node`, its events by pages, and the list. */
const JOB_PAGE = `
graphql\`
  query JobPageQuery($id: ID!) {
    ...JobList_query
    node(id: $id) {
      __typename
      ...JobPage_job @alias
      ...JobPage_log @alias
      ... on File { filename bytes expiresAt }
      ... on Model { shutdownDate }
    }
  }
\`;
graphql\`
  fragment JobPage_job on FineTuningJob {
    id
    createdAt
    trainedTokens
    raw
    method {
      type
      ... on FineTuningJobSupervisedMethod { hyperparameters { ...JobPage_common } }
      ... on FineTuningJobDpoMethod { hyperparameters { ...JobPage_common beta } }
      ... on FineTuningJobReinforcementMethod { grader { __typename name ... on StringCheckGrader { operation } } }
    }
    metrics(maxPoints: 100) { isComplete points { step trainLoss } }
  }
\`;
graphql\`
  fragment JobPage_common on FineTuningJobCommonHyperparameters { nEpochs learningRateMultiplier }
\`;
graphql\`
  fragment JobPage_log on FineTuningJob
  @refetchable(queryName: "JobPageLogQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    events(first: $count, after: $cursor) @connection(key: "JobPage_events") { edges { node { id level message } } }
  }
\`;
`;

/** Every mutation of the schema. */
const MUTATION_NAMES = Object.keys(mutationFields()).map((name) => ({
  name,
  operation: `Mutations${capitalized(name)}Mutation`,
}));
const MUTATIONS = MUTATION_NAMES.map(({ name, operation }) => `graphql\`${mutationDocument(name, operation)}\`;`).join(
  '\n',
);

/** A mutation of the app that removes the deleted model from its store. */
const MODEL_PAGE = `
graphql\`
  mutation ModelPageDeletionMutation($input: DeleteModelInput!) {
    deleteModel(input: $input) {
      __typename
      ... on DeleteModelSuccess { deletedModelId @deleteRecord }
      ... on Error { message code }
    }
  }
\`;
`;

interface Project {
  page?: string;
  customScalarTypes?: Record<string, string>;
  persistConfig?: { file: string; algorithm: string };
}

/** Compiles the app, and returns the output and the artifacts. */
async function compile({ page = JOB_PAGE, customScalarTypes = scalarMap(), persistConfig }: Project = {}) {
  const config = { src: 'src', schema: 'schema.graphql', language: 'typescript', requireCustomScalarTypes: true };
  const folder = makeFolder({
    'relay.config.json': JSON.stringify({ ...config, customScalarTypes, persistConfig }),
    'persisted.json': '{}',
    'schema.graphql': readFileSync('schema.graphql', 'utf8'),
    'src/JobList.ts': JOB_LIST,
    'src/JobPage.ts': page,
    'src/Mutations.ts': MUTATIONS,
    'src/ModelPage.ts': MODEL_PAGE,
  });
  const outcome = await runTool('relay-compiler/cli.js', ['relay.config.json'], folder);
  const fileOf = (name: string) => join(folder, 'src/__generated__', `${name}.graphql.ts`);
  return {
    ...outcome,
    folder,
    has: (name: string) => existsSync(fileOf(name)),
    artifact: (name: string) => readFileSync(fileOf(name), 'utf8'),
  };
}

describe('the Relay compiler', () => {
  it('accepts the schema, with node, connections and fragments on interfaces', async () => {
    const { exitCode, output, has } = await compile();
    expect(exitCode, output).toBe(0);
    const fragments = ['JobList_query', 'JobPage_job', 'JobPage_common', 'JobPage_log'];
    const queries = ['JobPageQuery', 'JobListPageQuery', 'JobPageLogQuery'];
    expect([...fragments, ...queries].filter((name) => !has(name))).toEqual([]);
  });

  it('accepts every mutation, with a file as input, and with @deleteRecord on a deleted id', async () => {
    const { has, artifact } = await compile();
    expect(MUTATION_NAMES.length).toBeGreaterThan(5);
    expect(MUTATION_NAMES.filter(({ operation }) => !has(operation))).toEqual([]);
    expect(artifact('MutationsUploadFileMutation')).toContain('file?: Blob | null');
    expect(artifact('ModelPageDeletionMutation')).toContain('"handle": "deleteRecord"');
  });

  it('fetches a page of the events of a job by `node` and the id alone', async () => {
    const { artifact } = await compile();
    expect(artifact('JobPageLogQuery')).toMatch(
      /query JobPageLogQuery\([^)]*\$id: ID![^)]*\) \{\\n {2}node\(id: \$id\)/,
    );
  });

  it('adds the fields that it needs for paging to the list', async () => {
    const { artifact } = await compile();
    expect(artifact('JobListPageQuery')).toMatch(/cursor\\n.*pageInfo \{\\n\s+endCursor\\n\s+hasNextPage\\n/);
  });

  it('gives each scalar its type in the README', async () => {
    const { artifact } = await compile();
    expect(artifact('JobPage_job')).toContain('readonly createdAt: number;');
    expect(artifact('JobPage_job')).toContain('readonly trainedTokens: number | null | undefined;');
    expect(artifact('JobPage_job')).toContain('readonly raw: unknown | null | undefined;');
    expect(artifact('JobPage_common')).toContain("readonly nEpochs: number | 'auto' | null | undefined;");
    expect(artifact('JobPageQuery')).toContain('readonly shutdownDate?: string | null | undefined;');
  });

  it('persists documents that the gateway trusts, with the same ids', async () => {
    const { artifact, folder } = await compile({ persistConfig: { file: 'persisted.json', algorithm: 'SHA256' } });
    const [, documentId] = /"id": "([\da-f]{64})"/.exec(artifact('JobListPageQuery')) ?? [];
    await using gateway = await startGateway({ TRUSTED_DOCUMENTS: join(folder, 'persisted.json') });
    const post = async (body: object) => {
      const headers = { 'content-type': 'application/json' };
      return await (await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    };
    const { data, errors } = await post({ documentId, variables: { count: 2 } });
    expect([data?.fineTuningJobs.edges.length, errors]).toEqual([2, undefined]);
    expect(await post({ query: '{ __typename }' })).toMatchObject({
      errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }],
    });
  });

  it('rejects a field that does not exist', async () => {
    const { exitCode, output } = await compile({ page: JOB_PAGE.replace('trainedTokens', 'trainedTokans') });
    expect(exitCode).not.toBe(0);
    expect(output).toContain('`FineTuningJob` has no field `trainedTokans`');
  });

  it('rejects a scalar without a type', async () => {
    const { UnixTimestamp: _, ...customScalarTypes } = scalarMap();
    const { exitCode, output } = await compile({ customScalarTypes });
    expect(exitCode).not.toBe(0);
    expect(output).toContain('UnixTimestamp');
  });
});
