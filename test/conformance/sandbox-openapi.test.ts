import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { GRADERS } from '../../src/sandbox/seed/scenario-graders.ts';
import { openSandbox } from '../unit/sandbox/open.ts';
import { openWritable, UNTIL_RUNNING } from '../unit/sandbox/write.ts';

/** OpenAI's published OpenAPI document, reduced to the fine-tuning API. Not part of the project: without it, the tests are skipped. */
const DOCUMENT = new URL('../../../shared/openapi/fine-tuning.openapi.json', import.meta.url);

/** Deviations from the document: path, keyword and value as the key, and the reason. */
type Deviations = Readonly<Record<string, string>>;

/** Deviations of real servers, and so of the sandbox (docs/upstream.md: Objects). Each of them must occur. */
const DEVIATIONS: Deviations = {
  '/status enum paused': "not in the enum, though it is in the document's own example of a pause",
  '/status enum pausing': 'not in the enum; the response of newer servers to a pause',
  '/status enum resuming': 'not in the enum; the response of newer servers to a resume',
  '/error anyOf': '{} unless the job has failed, without the three required members',
  '/ required hyperparameters': 'absent for reinforcement, as in the description, but required',
  '/hyperparameters type': 'null for DPO',
  '/method/reinforcement/grader oneOf':
    'the graders of a multi grader are a map by name; the document has one grader there',
  '/ undeclared user_provided_suffix': 'the suffix of the request',
  '/ undeclared usage_metrics': 'in every recorded job',
  '/ undeclared shared_with_openai': 'in every recorded job',
  '/ undeclared eval_id': 'in every recorded job',
};

const EVENT_DEVIATIONS: Deviations = {
  '/data type': 'null when training starts',
  '/type enum moderation_checks': 'not in the enum; in recordings of 2026',
};

const CHECKPOINT_DEVIATIONS: Deviations = {
  '/metrics undeclared type': 'a string among numbers, in every recorded checkpoint',
  '/metrics undeclared train_mean_reward': 'reinforcement has rewards, the document has losses only',
  '/metrics undeclared valid_mean_reward': 'as above',
  '/metrics undeclared valid_reward_mean': 'as above; determines the checkpoints of a job',
  '/metrics undeclared full_valid_mean_reward': 'as above',
  '/metrics undeclared full_valid_mean_parse_error': 'as above',
};

const FILE_DEVIATIONS: Deviations = {
  '/expires_at type': 'null in every recording',
  '/status_details type': 'null in every recording',
};

/** The deviations in validation errors, without those inside of a failed `anyOf` or `oneOf`. */
function deviationsIn(errors: readonly ErrorObject[]): string[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  const outermost = errors.filter(
    (error) => !choices.some((choice) => choice !== error && isWithin(error.instancePath, choice)),
  );
  return outermost.map(({ instancePath, keyword, params, data }) => {
    const detail = keyword === 'required' ? params['missingProperty'] : typeof data === 'string' ? data : '';
    return `${instancePath || '/'} ${keyword} ${detail}`.trim();
  });
}

const isWithin = (path: string, { instancePath }: ErrorObject) =>
  path === instancePath || path.startsWith(`${instancePath}/`);

/** Reads the document. Returns functions that list the deviations of a body from a schema. */
function readDocument() {
  // Valid in OpenAPI 3.0, but not in the JSON Schema of 3.1, the version of the document.
  const isInvalid = (key: string, value: unknown) => key === 'exclusiveMinimum' && typeof value === 'boolean';
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'), (key, value) =>
    isInvalid(key, value) ? undefined : value,
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true, verbose: true, validateFormats: false });
  ajv.addSchema(document, 'document');

  /** Also lists undeclared members of the body ('') and of the members in `parts`. */
  function deviationsFrom(schema: string, parts: readonly string[] = []) {
    const validate = ajv.compile({ $ref: `document#/components/schemas/${schema}` });
    const { properties } = document.components.schemas[schema];
    return (body: object): string[] => {
      validate(body);
      const undeclared = parts.flatMap((part) => {
        const [value, declared] = part === '' ? [body, properties] : [Object(body)[part], properties[part].properties];
        const names = Object.keys(value).filter((name) => !(name in declared));
        return names.map((name) => `/${part} undeclared ${name}`);
      });
      return [...deviationsIn(validate.errors ?? []), ...undeclared];
    };
  }
  return {
    ofJob: deviationsFrom('FineTuningJob', ['']),
    ofList: deviationsFrom('ListPaginatedFineTuningJobsResponse'),
    ofEvent: deviationsFrom('FineTuningJobEvent', ['']),
    ofEventList: deviationsFrom('ListFineTuningJobEventsResponse', ['']),
    ofCheckpoint: deviationsFrom('FineTuningJobCheckpoint', ['', 'metrics']),
    ofCheckpointList: deviationsFrom('ListFineTuningJobCheckpointsResponse', ['']),
    ofFile: deviationsFrom('OpenAIFile', ['']),
    ofFileList: deviationsFrom('ListFilesResponse', ['']),
    ofModel: deviationsFrom('Model', ['']),
    ofModelList: deviationsFrom('ListModelsResponse', ['']),
    ofCreate: deviationsFrom('CreateFineTuningJobRequest', ['']),
    ofFileDeletion: deviationsFrom('DeleteFileResponse', ['']),
    ofModelDeletion: deviationsFrom('DeleteModelResponse', ['']),
    ofPermissions: deviationsFrom('ListFineTuningCheckpointPermissionResponse', ['']),
    ofPermission: deviationsFrom('FineTuningCheckpointPermission', ['']),
    ofPermissionDeletion: deviationsFrom('DeleteFineTuningCheckpointPermissionResponse', ['']),
    ofGraderRun: deviationsFrom('RunGraderResponse', ['', 'metadata']),
    ofGrader: deviationsFrom('ValidateGraderResponse', ['']),
  };
}

const names = (deviations: Deviations) => Object.keys(deviations).sort();
const distinct = (deviations: readonly string[]) => [...new Set(deviations)].sort();

describe.skipIf(!existsSync(DOCUMENT))("the sandbox, compared with OpenAI's document,", () => {
  it('deviates in jobs exactly where real servers do', async () => {
    const deviations = readDocument();
    const { jobs, clock } = await openSandbox();
    const seen = new Set<string>();
    for (let minutes = 0; minutes < 20; minutes += 1) {
      for (const deviation of (await jobs()).flatMap(deviations.ofJob)) seen.add(deviation);
      clock.advance(60_000);
    }
    expect([...seen].sort()).toEqual(names(DEVIATIONS));
  });

  it('has the deviations of the list in a single job', async () => {
    const deviations = readDocument();
    const { jobs, getJson } = await openSandbox();
    for (const job of await jobs()) {
      const { body } = await getJson(`/fine_tuning/jobs/${job.id}`);
      expect(deviations.ofJob(body)).toEqual(deviations.ofJob(job));
    }
  });

  it('deviates in a job list only within its jobs', async () => {
    const deviations = readDocument();
    const { getJson } = await openSandbox();
    for (const query of ['', '?limit=1000', '?metadata[team]=unknown']) {
      const { body } = await getJson(`/fine_tuning/jobs${query}`);
      for (const deviation of deviations.ofList(body)) expect(deviation).toMatch(/^\/data\/\d+/);
    }
  });

  it('deviates in events exactly where real servers do', async () => {
    const { ofEvent, ofEventList } = readDocument();
    const { jobs, getJson } = await openSandbox();
    const seen: string[] = [];
    for (const { id } of await jobs()) {
      const { body } = await getJson(`/fine_tuning/jobs/${id}/events?limit=10000`);
      expect(ofEventList(body).filter((deviation) => !deviation.startsWith('/data/'))).toEqual([]);
      seen.push(...body.data.flatMap(ofEvent));
    }
    expect(distinct(seen)).toEqual(names(EVENT_DEVIATIONS));
  });

  it('deviates in checkpoints exactly where real servers do', async () => {
    const { ofCheckpoint, ofCheckpointList } = readDocument();
    const { jobs, getJson } = await openSandbox();
    const seen: string[] = [];
    for (const { id } of await jobs()) {
      const { body } = await getJson(`/fine_tuning/jobs/${id}/checkpoints`);
      expect(ofCheckpointList(body)).toEqual([]);
      seen.push(...body.data.flatMap(ofCheckpoint));
    }
    expect(distinct(seen)).toEqual(names(CHECKPOINT_DEVIATIONS));
  });

  it('deviates in files exactly where real servers do', async () => {
    const { ofFile, ofFileList } = readDocument();
    const { getJson } = await openSandbox();
    const { body } = await getJson('/files');
    expect(ofFileList(body).filter((deviation) => !deviation.startsWith('/data/'))).toEqual([]);
    expect(distinct(body.data.flatMap(ofFile))).toEqual(names(FILE_DEVIATIONS));
    const { body: single } = await getJson(`/files/${body.first_id}`);
    expect(distinct(ofFile(single))).toEqual(names(FILE_DEVIATIONS));
  });

  it('deviates in an empty file list by null for first_id and last_id', async () => {
    const { body } = await (await openSandbox()).getJson('/files?purpose=vision');
    expect(readDocument().ofFileList(body)).toEqual(['/first_id type', '/last_id type']);
  });

  it('has no deviations in models', async () => {
    const { ofModel, ofModelList } = readDocument();
    const { getJson } = await openSandbox();
    const { body } = await getJson('/models');
    expect([...ofModelList(body), ...body.data.flatMap(ofModel)]).toEqual([]);
    expect(ofModel((await getJson(`/models/${body.data[0].id}`)).body)).toEqual([]);
  });

  it('has no other deviations in jobs that clients create and change', async () => {
    const { ofJob, ofCreate, ofCheckpoint, ofFile } = readDocument();
    const { uploaded, create, job, control, checkpoints, clock } = await openWritable();
    const file = await uploaded();
    expect(distinct(ofFile(file))).toEqual(names(FILE_DEVIATIONS));
    const reinforcement = { grader: GRADERS.string_check, hyperparameters: { reasoning_effort: 'low' } };
    const methods = [undefined, { type: 'dpo' }, { type: 'reinforcement', reinforcement }];
    const seen: object[] = [];
    for (const method of methods) {
      const request = {
        model: 'gpt-4o-mini',
        training_file: file.id,
        suffix: 'a',
        metadata: { a: 'b' },
        ...(method && { method }),
      };
      expect(ofCreate(request)).toEqual([]);
      seen.push((await create(request)).body);
    }
    const { id } = Object(seen[0]);
    clock.advance(UNTIL_RUNNING + 10_000);
    for (const action of ['pause', 'resume', 'cancel'] as const) {
      seen.push((await control(id, action)).body);
      clock.advance(10_000);
      seen.push(await job(id));
    }
    expect((await checkpoints(id)).map(ofCheckpoint)).toEqual([['/metrics undeclared type']]);
    const known = names(DEVIATIONS);
    expect(distinct(seen.flatMap(ofJob)).filter((deviation) => !known.includes(deviation))).toEqual([]);
  });

  it('has no deviations in deletions, permissions and graders', async () => {
    const document = readDocument();
    const { send, post, uploaded, job, exampleJobId } = await openWritable();
    const { fine_tuned_model: model } = await job(exampleJobId);
    const asAdmin = { authorization: 'Bearer the-admin' };
    const path = `/fine_tuning/checkpoints/${model}/permissions`;
    const { body: created } = await post(path, { project_ids: ['a', 'b'] }, asAdmin);
    const { body: listed } = await send('GET', path, undefined, asAdmin);
    const deleted = await send('DELETE', `${path}/${created.data[0].id}`, undefined, asAdmin);
    const graders = Object.values(GRADERS).filter(({ type }) => type !== 'multi');
    const deviations = [
      ...[created, listed].flatMap(document.ofPermissions),
      ...created.data.flatMap(document.ofPermission),
      ...document.ofPermissionDeletion(deleted.body),
      ...document.ofFileDeletion((await send('DELETE', `/files/${(await uploaded()).id}`)).body),
      ...document.ofModelDeletion((await send('DELETE', `/models/${model}`)).body),
    ];
    for (const grader of graders) {
      const run = await post('/fine_tuning/alpha/graders/run', { grader, model_sample: 'a', item: {} });
      deviations.push(...document.ofGraderRun(run.body));
      deviations.push(...document.ofGrader((await post('/fine_tuning/alpha/graders/validate', { grader })).body));
    }
    expect(deviations).toEqual([]);
  });

  it('reports deviations of an invalid job', () => {
    const deviations = readDocument().ofJob({ id: 7, object: 'fine_tuning.job', status: 'asleep' });
    expect(deviations).toEqual(expect.arrayContaining(['/id type', '/status enum asleep', '/ required created_at']));
  });
});
