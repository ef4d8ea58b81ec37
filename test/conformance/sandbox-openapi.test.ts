import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openSandbox } from '../unit/sandbox/open.ts';

/** OpenAI's published document, cut to the fine-tuning API. It is not part of the project: without it, nothing is checked. */
const DOCUMENT = new URL('../../../shared/openapi/fine-tuning.openapi.json', import.meta.url);

/**
 * Where real servers, and so the sandbox, differ from the document (UPSTREAM.md 1.4). Each of them must occur.
 * A difference is: where, which keyword, and the value if it is a text.
 */
const DEVIATIONS: Record<string, string> = {
  '/status enum paused': "not in the enum, though it is in the document's own example of a pause",
  '/status enum pausing': 'not in the enum; what a newer server answers to a pause',
  '/status enum resuming': 'not in the enum; what a newer server answers to a resume',
  '/error anyOf': 'jobs that have not failed have {}, without the three required members',
  '/ required hyperparameters': 'absent for reinforcement, as the description says, yet listed as required',
  '/hyperparameters type': 'null for DPO',
  '/method/reinforcement/grader oneOf':
    'the graders of a multi grader are a map by name; the document has one grader there',
  '/ undeclared user_provided_suffix': 'where the suffix of the request comes back',
  '/ undeclared usage_metrics': 'in every recorded job',
  '/ undeclared shared_with_openai': 'in every recorded job',
  '/ undeclared eval_id': 'in every recorded job',
};

/** What a validation finds, without what only follows from the failure of a whole `anyOf` or `oneOf`. */
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

/** Reads the document, and says how a body differs from it. */
function readDocument() {
  // Of OpenAPI 3.0, and no JSON Schema any more in the 3.1 that the document says it is.
  const isForeign = (key: string, value: unknown) => key === 'exclusiveMinimum' && typeof value === 'boolean';
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'), (key, value) =>
    isForeign(key, value) ? undefined : value,
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true, verbose: true, validateFormats: false });
  ajv.addSchema(document, 'document');
  const validateJob = ajv.compile({ $ref: 'document#/components/schemas/FineTuningJob' });
  const validateList = ajv.compile({ $ref: 'document#/components/schemas/ListPaginatedFineTuningJobsResponse' });
  const declared = new Set(Object.keys(document.components.schemas.FineTuningJob.properties));
  return {
    ofJob(job: object): string[] {
      validateJob(job);
      const undeclared = Object.keys(job).filter((member) => !declared.has(member));
      return [...deviationsIn(validateJob.errors ?? []), ...undeclared.map((member) => `/ undeclared ${member}`)];
    },
    ofList(list: object): string[] {
      validateList(list);
      return deviationsIn(validateList.errors ?? []);
    },
  };
}

describe.skipIf(!existsSync(DOCUMENT))("the sandbox against OpenAI's document", () => {
  it('deviates in each job only where real servers do, and there indeed', async () => {
    const deviations = readDocument();
    const { jobs, clock } = await openSandbox();
    const seen = new Set<string>();
    for (let minutes = 0; minutes < 20; minutes += 1) {
      for (const deviation of (await jobs()).flatMap(deviations.ofJob)) seen.add(deviation);
      clock.advance(60_000);
    }
    expect([...seen].sort()).toEqual(Object.keys(DEVIATIONS).sort());
  });

  it('deviates in a single job just as in the list', async () => {
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

  it('would be found to deviate where it should not', () => {
    const found = readDocument().ofJob({ id: 7, object: 'fine_tuning.job', status: 'asleep' });
    expect(found).toEqual(expect.arrayContaining(['/id type', '/status enum asleep', '/ required created_at']));
  });
});
