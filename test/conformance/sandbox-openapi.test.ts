import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { GRADERS } from '../../src/sandbox/seed/scenario-graders.ts';
import { openSandbox } from '../unit/sandbox/open.ts';
import { openWritable, UNTIL_RUNNING } from '../unit/sandbox/write.ts';

/** The fine-tuning part of OpenAI's published document. It is not part of the project: without it the tests are skipped. */
const DOCUMENT = new URL('../../../shared/openapi/fine-tuning.openapi.json', import.meta.url);

/** The differences of bodies from the document: position, keyword and string value, and the reason. */
type Deviations = Readonly<Record<string, string>>;

/** The differences of real servers, and of the sandbox, from the document (docs/upstream.md: Objects). Each has to occur. */
const DEVIATIONS: Deviations = {
  '/status enum paused': "not in the enum, though it is in the document's own example of a pause",
  '/status enum pausing': 'not in the enum; the response of a newer server to a pause',
  '/status enum resuming': 'not in the enum; the response of a newer server to a resume',
  '/error anyOf': 'jobs that have not failed have {}, without the three required members',
  '/ required hyperparameters': 'absent for reinforcement, as the description says, yet listed as required',
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
};

const CHECKPOINT_DEVIATIONS: Deviations = {
  '/metrics undeclared type': 'a string among the numbers, in every recorded checkpoint',
  '/metrics undeclared train_mean_reward': 'reinforcement fine-tuning has rewards; the document has losses only',
  '/metrics undeclared valid_mean_reward': 'as above',
  '/metrics undeclared valid_reward_mean': 'as above; it decides which checkpoints remain',
  '/metrics undeclared full_valid_mean_reward': 'as above',
  '/metrics undeclared full_valid_mean_parse_error': 'as above',
};

const FILE_DEVIATIONS: Deviations = {
  '/expires_at type': 'null in every recording',
  '/status_details type': 'null in every recording',
};

/** Returns the differences that a validation found, without the errors inside a failed `anyOf` or `oneOf`. */
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

/** Reads the document, and returns functions that compare a body with its schemas. */
function readDocument() {
  // The document declares OpenAPI 3.1, but has this keyword in the form of 3.0.
  const isOutdated = (key: string, value: unknown) => key === 'exclusiveMinimum' && typeof value === 'boolean';
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'), (key, value) =>
    isOutdated(key, value) ? undefined : value,
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true, verbose: true, validateFormats: false });
  ajv.addSchema(document, 'document');

  /** `parts` are the members whose own members have to be declared too; '' is the body. */
  function against(schema: string, parts: readonly string[] = []) {
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
    ofJob: against('FineTuningJob', ['']),
    ofList: against('ListPaginatedFineTuningJobsResponse'),
    ofEvent: against('FineTuningJobEvent', ['']),
    ofEventList: against('ListFineTuningJobEventsResponse', ['']),
    ofCheckpoint: against('FineTuningJobCheckpoint', ['', 'metrics']),
    ofCheckpointList: against('ListFineTuningJobCheckpointsResponse', ['']),
    ofFile: against('OpenAIFile', ['']),
    ofFileList: against('ListFilesResponse', ['']),
    ofModel: against('Model', ['']),
    ofModelList: against('ListModelsResponse', ['']),
    ofCreate: against('CreateFineTuningJobRequest', ['']),
    ofFileDeletion: against('DeleteFileResponse', ['']),
    ofModelDeletion: against('DeleteModelResponse', ['']),
    ofPermissions: against('ListFineTuningCheckpointPermissionResponse', ['']),
    ofPermission: against('FineTuningCheckpointPermission', ['']),
    ofPermissionDeletion: against('DeleteFineTuningCheckpointPermissionResponse', ['']),
    ofGraderRun: against('RunGraderResponse', ['', 'metadata']),
    ofGrader: against('ValidateGraderResponse', ['']),
  };
}

const names = (deviations: Deviations) => Object.keys(deviations).sort();
const distinct = (deviations: readonly string[]) => [...new Set(deviations)].sort();

describe.skipIf(!existsSync(DOCUMENT))("the sandbox against OpenAI's document", () => {
  it('deviates in jobs exactly where real servers do', async () => {
    const deviations = readDocument();
    const { jobs, clock } = await openSandbox();
    const found = new Set<string>();
    for (let minutes = 0; minutes < 20; minutes += 1) {
      for (const deviation of (await jobs()).flatMap(deviations.ofJob)) found.add(deviation);
      clock.advance(60_000);
    }
    expect([...found].sort()).toEqual(names(DEVIATIONS));
  });

  it('deviates in a single job as in the list', async () => {
    const deviations = readDocument();
    const { jobs, ask } = await openSandbox();
    for (const job of await jobs()) {
      const { body } = await ask(`/fine_tuning/jobs/${job.id}`);
      expect(deviations.ofJob(body)).toEqual(deviations.ofJob(job));
    }
  });

  it('deviates in a list only within its jobs', async () => {
    const deviations = readDocument();
    const { ask } = await openSandbox();
    for (const query of ['', '?limit=1000', '?metadata[team]=nobody']) {
      const { body } = await ask(`/fine_tuning/jobs${query}`);
      for (const deviation of deviations.ofList(body)) expect(deviation).toMatch(/^\/data\/\d+/);
    }
  });

  it('deviates in events exactly where real servers do', async () => {
    const { ofEvent, ofEventList } = readDocument();
    const { jobs, ask } = await openSandbox();
    const found: string[] = [];
    for (const { id } of await jobs()) {
      const { body } = await ask(`/fine_tuning/jobs/${id}/events?limit=10000`);
      expect(ofEventList(body).filter((deviation) => !deviation.startsWith('/data/'))).toEqual([]);
      found.push(...body.data.flatMap(ofEvent));
    }
    expect(distinct(found)).toEqual(names(EVENT_DEVIATIONS));
  });

  it('deviates in checkpoints exactly where real servers do', async () => {
    const { ofCheckpoint, ofCheckpointList } = readDocument();
    const { jobs, ask } = await openSandbox();
    const found: string[] = [];
    for (const { id } of await jobs()) {
      const { body } = await ask(`/fine_tuning/jobs/${id}/checkpoints`);
      expect(ofCheckpointList(body)).toEqual([]);
      found.push(...body.data.flatMap(ofCheckpoint));
    }
    expect(distinct(found)).toEqual(names(CHECKPOINT_DEVIATIONS));
  });

  it('deviates in files exactly where real servers do', async () => {
    const { ofFile, ofFileList } = readDocument();
    const { ask } = await openSandbox();
    const { body } = await ask('/files');
    expect(ofFileList(body).filter((deviation) => !deviation.startsWith('/data/'))).toEqual([]);
    expect(distinct(body.data.flatMap(ofFile))).toEqual(names(FILE_DEVIATIONS));
    const { body: single } = await ask(`/files/${body.first_id}`);
    expect(distinct(ofFile(single))).toEqual(names(FILE_DEVIATIONS));
  });

  it('deviates in an empty list of files by ids that are null', async () => {
    const { body } = await (await openSandbox()).ask('/files?purpose=vision');
    expect(readDocument().ofFileList(body)).toEqual(['/first_id type', '/last_id type']);
  });

  it('deviates nowhere in models', async () => {
    const { ofModel, ofModelList } = readDocument();
    const { ask } = await openSandbox();
    const { body } = await ask('/models');
    expect([...ofModelList(body), ...body.data.flatMap(ofModel)]).toEqual([]);
    expect(ofModel((await ask(`/models/${body.data[0].id}`)).body)).toEqual([]);
  });

  it('deviates in jobs that clients create and control only as in the others', async () => {
    const { ofJob, ofCreate, ofCheckpoint, ofFile } = readDocument();
    const { uploaded, create, job, steer, checkpoints, clock } = await openWritable();
    const file = await uploaded();
    expect(distinct(ofFile(file))).toEqual(names(FILE_DEVIATIONS));
    const reinforcement = { grader: GRADERS.string_check, hyperparameters: { reasoning_effort: 'low' } };
    const methods = [undefined, { type: 'dpo' }, { type: 'reinforcement', reinforcement }];
    const found: object[] = [];
    for (const method of methods) {
      const request = {
        model: 'gpt-4o-mini',
        training_file: file.id,
        suffix: 'a',
        metadata: { a: 'b' },
        ...(method && { method }),
      };
      expect(ofCreate(request)).toEqual([]);
      found.push((await create(request)).body);
    }
    const { id } = Object(found[0]);
    clock.advance(UNTIL_RUNNING + 10_000);
    for (const action of ['pause', 'resume', 'cancel'] as const) {
      found.push((await steer(id, action)).body);
      clock.advance(10_000);
      found.push(await job(id));
    }
    expect((await checkpoints(id)).map(ofCheckpoint)).toEqual([['/metrics undeclared type']]);
    const known = names(DEVIATIONS);
    expect(distinct(found.flatMap(ofJob)).filter((deviation) => !known.includes(deviation))).toEqual([]);
  });

  it('deviates nowhere in deletions, permissions and graders', async () => {
    const document = readDocument();
    const { send, post, uploaded, job, exampleJobId } = await openWritable();
    const { fine_tuned_model: model } = await job(exampleJobId);
    const asAdmin = { authorization: 'Bearer the-admin' };
    const path = `/fine_tuning/checkpoints/${model}/permissions`;
    const { body: granted } = await post(path, { project_ids: ['a', 'b'] }, asAdmin);
    const { body: listed } = await send('GET', path, undefined, asAdmin);
    const revoked = await send('DELETE', `${path}/${granted.data[0].id}`, undefined, asAdmin);
    const graders = Object.values(GRADERS).filter(({ type }) => type !== 'multi');
    const found = [
      ...[granted, listed].flatMap(document.ofPermissions),
      ...granted.data.flatMap(document.ofPermission),
      ...document.ofPermissionDeletion(revoked.body),
      ...document.ofFileDeletion((await send('DELETE', `/files/${(await uploaded()).id}`)).body),
      ...document.ofModelDeletion((await send('DELETE', `/models/${model}`)).body),
    ];
    for (const grader of graders) {
      const run = await post('/fine_tuning/alpha/graders/run', { grader, model_sample: 'a', item: {} });
      found.push(...document.ofGraderRun(run.body));
      found.push(...document.ofGrader((await post('/fine_tuning/alpha/graders/validate', { grader })).body));
    }
    expect(found).toEqual([]);
  });

  it('is found to deviate when it does', () => {
    const found = readDocument().ofJob({ id: 7, object: 'fine_tuning.job', status: 'asleep' });
    expect(found).toEqual(expect.arrayContaining(['/id type', '/status enum asleep', '/ required created_at']));
  });
});
