/**
 * Queries of many shapes about resources that every account has. The first ones make their upstream calls one by one; those
 * from `whole` on make several at the same time.
 */
export const QUERIES = {
  job: '{ fineTuningJob(id: "ftjob-1") { id suffix status raw } }',
  settled: '{ fineTuningJob(id: "ftjob-2") { id suffix status } }',
  absent: '{ fineTuningJob(id: "ftjob-ann") { id suffix } }',
  jobs: '{ fineTuningJobs(first: 2) { edges { cursor node { id suffix } } pageInfo { endCursor } } }',
  filtered: '{ fineTuningJobs(filter: { statuses: [SUCCEEDED] }) { scannedCount edges { node { suffix } } } }',
  file: '{ file(id: "file-1") { filename } }',
  files: '{ files { edges { node { filename } } } }',
  preview: '{ file(id: "file-1") { preview { text } } }',
  model: '{ model(id: "tuned") { ownedBy } }',
  models: '{ models { edges { node { id ownedBy } } } }',
  node: '{ node(id: "ftjob-2") { ... on FineTuningJob { suffix } } }',
  someNode: '{ node(id: "tuned") { id __typename ... on Model { ownedBy } } }',
  events: '{ fineTuningJob(id: "ftjob-1") { events(first: 2) { edges { node { message } } } } }',
  checkpoints: '{ fineTuningJob(id: "ftjob-2") { checkpoints { edges { node { fineTunedModelId stepNumber } } } } }',
  curve: '{ fineTuningJob(id: "ftjob-1") { metrics { points { step } } progress { step } } }',
  results: '{ fineTuningJob(id: "ftjob-2") { metrics { points { step } } } }',
  viewer: '{ viewer { name role } gateway { upstreamName } }',
  whole: `{ fineTuningJob(id: "ftjob-2") {
    raw trainingFile { filename } resultFiles { filename } model { ownedBy } fineTunedModel { ownedBy }
    events { edges { node { message } } } checkpoints { edges { node { stepNumber } } } metrics { points { step } }
  } }`,
  nodes: `{ nodes(ids: ["ftjob-1", "file-1", "ftjob-bob", "tuned"]) {
    id ... on FineTuningJob { suffix raw } ... on File { filename } ... on Model { ownedBy }
  } }`,
  roots: `{ fineTuningJob(id: "ftjob-1") { suffix } fineTuningJobs { edges { node { suffix trainingFile { filename } } } }
    files(first: 1) { edges { node { filename } } } models { edges { node { ownedBy } } } viewer { role } }`,
} as const;

const JOB = 'fineTuningJob { id suffix status }';
const FAILURE = '... on Error { code message }';
const creating = (input: string) => `mutation {
  createFineTuningJob(input: { modelId: "base", trainingFileId: "file-1" ${input} }) {
    __typename ... on CreateFineTuningJobSuccess { ${JOB} } ${FAILURE}
  }
}`;

/** Mutations that every account can execute. Each makes its upstream calls one by one. */
export const MUTATIONS = {
  create: creating(''),
  createOnce: creating('idempotencyKey: "same"'),
  createAnother: creating('idempotencyKey: "same" suffix: "another"'),
  cancel: `mutation {
    cancelFineTuningJob(input: { jobId: "ftjob-1" }) {
      __typename ... on CancelFineTuningJobSuccess { ${JOB} } ${FAILURE}
    }
  }`,
  cancelMade: `mutation {
    cancelFineTuningJob(input: { jobId: "ftjob-made-1" }) {
      __typename ... on CancelFineTuningJobSuccess { ${JOB} } ${FAILURE}
    }
  }`,
  deleteFile: `mutation {
    deleteFile(input: { fileId: "file-1" }) { __typename ... on DeleteFileSuccess { deletedFileId } ${FAILURE} }
  }`,
  deleteModel: `mutation {
    deleteModel(input: { modelId: "tuned" }) { __typename ... on DeleteModelSuccess { deletedModelId } ${FAILURE} }
  }`,
  upload: `mutation ($input: UploadFileInput!) {
    uploadFile(input: $input) { __typename ... on UploadFileSuccess { file { id filename } } ${FAILURE} }
  }`,
} as const;

export type MutationName = keyof typeof MUTATIONS;
export const mutationNames = Object.keys(MUTATIONS) as MutationName[]; // The keys of the constant above.

export type QueryName = keyof typeof QUERIES;
export const queryNames = Object.keys(QUERIES) as QueryName[]; // The keys of the constant above.
export const isSequential = (name: QueryName) => queryNames.indexOf(name) < queryNames.indexOf('whole');
