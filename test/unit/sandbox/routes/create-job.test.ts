import { describe, expect, it } from 'vitest';
import { CHAT, lines, openWritable, UNTIL_ENDED, UNTIL_RUNNING } from '../write.ts';

const GRADER = { type: 'string_check', name: 'same', input: '{{sample.output_text}}', reference: 'x', operation: 'eq' };

describe('POST /fine_tuning/jobs', () => {
  it('returns a job in validating_files with the recorded members: a dated model, "auto" for absent hyperparameters', async () => {
    const { create, uploaded } = await openWritable();
    const { id } = await uploaded();
    const { status, body } = await create({
      training_file: id,
      suffix: 'my-model',
      seed: 7,
      metadata: { team: 'a' },
      integrations: [{ type: 'wandb', wandb: { project: 'p', tags: ['t'] } }],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'fine_tuning.job',
      model: 'gpt-4o-mini-2024-07-18',
      status: 'validating_files',
      training_file: id,
      validation_file: null,
      user_provided_suffix: 'my-model',
      seed: 7,
      metadata: { team: 'a' },
      error: {},
      result_files: [],
      finished_at: null,
      integrations: [
        { type: 'wandb', wandb: { project: 'p', name: null, entity: null, tags: ['t'], run_id: body.id } },
      ],
      hyperparameters: { n_epochs: 'auto', batch_size: 'auto', learning_rate_multiplier: 'auto' },
      method: { type: 'supervised' },
    });
  });

  it('creates a job with the members of a generated job', async () => {
    const { created, jobs } = await openWritable();
    const job = await created();
    const seeded = (await jobs()).find(({ id, method }) => id !== job.id && method.type === 'supervised');
    expect(Object.keys(job).sort()).toEqual(Object.keys(seeded ?? {}).sort());
  });

  it('creates a job that is first in the list, also within a second', async () => {
    const { created, jobs } = await openWritable();
    const ids = [await created(), await created(), await created()].map(({ id }) => id);
    expect((await jobs()).slice(0, 3).map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('creates a job that runs and succeeds, with the steps of its file and hyperparameters', async () => {
    const { uploaded, created, job, events, clock, content } = await openWritable();
    const file = await uploaded(lines(25));
    const { id } = await created({
      training_file: file.id,
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 3, batch_size: 10 } } },
    });
    clock.advance(UNTIL_RUNNING);
    expect(await job(id)).toMatchObject({ status: 'running', hyperparameters: { n_epochs: 3, batch_size: 10 } });
    clock.advance(UNTIL_ENDED);
    const ended = await job(id);
    expect(ended).toMatchObject({ status: 'succeeded', finished_at: expect.any(Number) });
    const steps = (await events(id)).filter(({ type }) => type === 'metrics');
    expect(steps).toHaveLength(9);
    expect(Buffer.from(await content(ended.result_files[0] ?? ''), 'base64').toString()).toMatch(/^step,/);
  });

  it('accepts the deprecated hyperparameters', async () => {
    const { created } = await openWritable();
    expect(await created({ hyperparameters: { n_epochs: 4 } })).toMatchObject({ hyperparameters: { n_epochs: 4 } });
  });

  it('accepts dpo and reinforcement, and returns undocumented members', async () => {
    const { created, uploaded } = await openWritable();
    const { id } = await uploaded();
    const dpo = { type: 'dpo', dpo: { hyperparameters: { beta: 2 }, more: [1] } };
    expect(await created({ training_file: id, method: dpo, hint: { a: 1 } })).toMatchObject({
      method: { type: 'dpo', dpo: { hyperparameters: { beta: 2, n_epochs: 'auto' }, more: [1] } },
      hyperparameters: null,
      hint: { a: 1 },
    });
    const grader = { type: 'multi', name: 'all', graders: { one: GRADER }, calculate_output: 'one' };
    const response_format = { type: 'json_schema', json_schema: { name: 'x' } };
    const reinforcement = { grader, response_format, hyperparameters: { reasoning_effort: 'low' } };
    const job = await created({
      training_file: id,
      model: 'o4-mini',
      method: { type: 'reinforcement', reinforcement },
    });
    expect(job).toMatchObject({ method: { reinforcement }, eval_id: expect.stringMatching(/^eval_/) });
    expect(job).not.toHaveProperty('hyperparameters');
  });

  it('ignores members of the request that the server sets', async () => {
    const { created } = await openWritable();
    expect(await created({ id: 'mine', status: 'succeeded', organization_id: 'x' })).toMatchObject({
      id: expect.stringMatching(/^ftjob-/),
      status: 'validating_files',
      organization_id: expect.stringMatching(/^org-/),
    });
  });

  it('accepts a fine-tuned model as the base', async () => {
    const { created, job, exampleJobId } = await openWritable();
    const { fine_tuned_model: model, model: base } = await job(exampleJobId);
    const next = await created({ model });
    expect(next.model).toBe(model);
    expect(base).toMatch(/^gpt/);
  });
});

describe('a limit of POST /fine_tuning/jobs', () => {
  const text = (length: number) => '𝄞'.repeat(length);
  const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
  const supervised = (hyperparameters: object) => ({ method: { type: 'supervised', supervised: { hyperparameters } } });
  const dpo = (hyperparameters: object) => ({ method: { type: 'dpo', dpo: { hyperparameters } } });
  const reinforced = (hyperparameters: object) => ({
    method: { type: 'reinforcement', reinforcement: { grader: GRADER, hyperparameters } },
  });

  it('is accepted, and a value beyond it is rejected with the name of the parameter', async () => {
    const { create, uploaded } = await openWritable();
    const { id } = await uploaded();
    const limits: [param: string, accepted: object, rejected: object][] = [
      ['suffix', { suffix: text(64) }, { suffix: text(65) }],
      ['suffix', { suffix: 'x' }, { suffix: '' }],
      ['seed', { seed: 2 ** 31 - 1 }, { seed: 2 ** 31 }],
      ['seed', { seed: 0 }, { seed: -1 }],
      ['metadata', { metadata: pairs(16) }, { metadata: pairs(17) }],
      ['metadata.k', { metadata: { k: text(512) } }, { metadata: { k: text(513) } }],
      [`metadata.${text(65)}`, { metadata: { [text(64)]: '' } }, { metadata: { [text(65)]: '' } }],
      ['n_epochs', supervised({ n_epochs: 50 }), supervised({ n_epochs: 51 })],
      ['n_epochs', supervised({ n_epochs: 1 }), supervised({ n_epochs: 0 })],
      ['batch_size', supervised({ batch_size: 256 }), supervised({ batch_size: 257 })],
      ['batch_size', supervised({ batch_size: 1 }), supervised({ batch_size: 1.5 })],
      [
        'learning_rate_multiplier',
        supervised({ learning_rate_multiplier: 1e-9 }),
        supervised({ learning_rate_multiplier: 0 }),
      ],
      ['beta', dpo({ beta: 2 }), dpo({ beta: 2.001 })],
      ['beta', dpo({ beta: 'auto' }), dpo({ beta: 0 })],
      ['compute_multiplier', reinforced({ compute_multiplier: 10 }), reinforced({ compute_multiplier: 10.1 })],
      ['compute_multiplier', reinforced({ compute_multiplier: 0.000011 }), reinforced({ compute_multiplier: 0.00001 })],
      ['eval_interval', reinforced({ eval_interval: 1 }), reinforced({ eval_interval: 0 })],
      ['eval_samples', reinforced({ eval_samples: 1 }), reinforced({ eval_samples: 0 })],
      ['reasoning_effort', reinforced({ reasoning_effort: 'high' }), reinforced({ reasoning_effort: 'utmost' })],
    ];
    for (const [param, accepted, rejected] of limits) {
      expect((await create({ training_file: id, ...accepted })).body, param).toMatchObject({
        object: 'fine_tuning.job',
      });
      const { status, body } = await create({ training_file: id, ...rejected });
      expect({ status, param: body.error?.param }, JSON.stringify(rejected).slice(0, 99)).toEqual({
        status: 400,
        param,
      });
    }
  });
});

describe('POST /fine_tuning/jobs with an error', () => {
  it.each([
    ['an unknown training file', { training_file: 'file-x' }, 'invalid training_file: file-x', 'training_file', null],
    ['an unknown validation file', { validation_file: 'v' }, 'invalid validation_file: v', 'validation_file', null],
    [
      'an unknown model',
      { model: 'X' },
      'Model X is not available for fine-tuning or does not exist.',
      null,
      'model_not_available',
    ],
    [
      'an unknown hyperparameter',
      { hyperparameters: { nepochs: 2 } },
      'invalid nepochs: 2, extra inputs are not permitted',
      'nepochs',
      null,
    ],
    [
      'metadata of an invalid type',
      { metadata: { modified: true } },
      "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
      'metadata.modified',
      'invalid_type',
    ],
    ['no model', { model: undefined }, "Missing required parameter: 'model'.", 'model', 'missing_required_parameter'],
  ])('returns the recorded message for %s', async (_, members, message, param, code) => {
    const { create, uploaded, jobs } = await openWritable();
    const before = await jobs();
    const { status, body } = await create({ training_file: (await uploaded()).id, ...members });
    expect({ status, body }).toEqual({
      status: 400,
      body: { error: { message, type: 'invalid_request_error', param, code } },
    });
    expect(await jobs()).toEqual(before);
  });

  it('rejects a file with another purpose, a model after its shutdown and an invalid grader', async () => {
    const { create, upload, uploaded, clock } = await openWritable();
    const { body: batch } = await upload(lines(20), { purpose: 'batch' });
    expect((await create({ training_file: batch.id })).body.error.message).toBe(`invalid training_file: ${batch.id}`);
    const { id } = await uploaded();
    expect((await create({ training_file: id, model: 'gpt-4.1-nano' })).status).toBe(200);
    clock.advance(Date.UTC(2026, 9, 23) - clock.now());
    const afterShutdown = await create({ training_file: id, model: 'gpt-4.1-nano' });
    expect(afterShutdown.body.error.code).toBe('model_not_available');
    const reinforcement = { grader: { ...GRADER, operation: 'is' } };
    const { body } = await create({ training_file: id, method: { type: 'reinforcement', reinforcement } });
    expect(body.error.param).toBe('method.reinforcement.grader.operation');
  });

  it('rejects a body that is not JSON, or is nested too deeply', async () => {
    const { send } = await openWritable();
    const asJson = { 'content-type': 'application/json' };
    for (const body of ['{', `{"model":${'['.repeat(5000)}${']'.repeat(5000)}}`])
      expect((await send('POST', '/fine_tuning/jobs', body, asJson)).status).toBe(400);
    expect((await send('POST', '/fine_tuning/jobs', '{}')).status).toBe(400);
    expect((await send('POST', '/fine_tuning/jobs')).body.error.param).toBe('model');
  });
});

describe('the training file of a new job', () => {
  const messages = (list: object[]) => JSON.stringify({ messages: list });
  const user = { role: 'user', content: 'Hello' };
  const CALL = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
  it.each([
    ['a line that is not JSON', `${lines(10)}{"messages"\n`, 'invalid_file_format', /Example 11 is not a JSON object/],
    [
      'examples of another format',
      lines(12, '{"q":"a"}'),
      'invalid_training_file',
      /expected either prompt\/completion pairs or chat/,
    ],
    [
      'no message of the assistant',
      lines(12, messages([user])),
      'invalid_file_format',
      /Example 1 has no last message from the assistant/,
    ],
    ['an unknown role', lines(12, messages([{ ...user, role: 'boss' }])), 'invalid_file_format', /unknown role: boss/],
    [
      'a special token',
      lines(12, messages([user, { role: 'assistant', content: '<|fim_suffix|>' }])),
      'invalid_file_format',
      /^The job failed due to a file format error in the training file. Invalid file format. Example 1 message contains an invalid token: <\|fim_suffix\|>.$/,
    ],
    [
      'half of a surrogate pair',
      lines(12, CHAT.replace('open', '\\ud83d')),
      'invalid_file_format',
      /Example 1 has half of a surrogate pair/,
    ],
    [
      'an unknown content part',
      lines(12, messages([{ ...user, content: [{ type: 'txt' }] }])),
      'invalid_file_format',
      /Example 1 has an invalid content part/,
    ],
    [
      'a tool call without an answer',
      lines(12, messages([{ role: 'assistant', tool_calls: [CALL] }, user])),
      'invalid_file_format',
      /Example 1 has a tool call that no message of the role tool answers/,
    ],
    ['fewer than 10 examples', lines(9), 'invalid_n_examples', /has 9 example\(s\), but must have at least 10/],
    ['no examples', '', 'invalid_n_examples', /has 0 example/],
    [
      'bytes that are not UTF-8',
      Buffer.from([...Buffer.from(lines(10)), 0xff, 0xfe, 0x0a]),
      'invalid_file_format',
      /Example 11/,
    ],
  ])('with %s fails the job after the validation', async (_, content, code, message) => {
    const { uploaded, created, job, events, clock } = await openWritable();
    const { id } = await created({ training_file: (await uploaded(content)).id });
    expect((await job(id)).error).toEqual({});
    clock.advance(UNTIL_RUNNING);
    const failed = await job(id);
    expect(failed).toMatchObject({ status: 'failed', finished_at: null, error: { code, param: 'training_file' } });
    expect(failed.error.message).toMatch(message);
    expect((await events(id))[0]).toMatchObject({ level: 'error', message: failed.error.message });
  });

  it('may have a byte order mark, CRLF, empty lines and no line break at the end', async () => {
    const { uploaded, created, events, clock } = await openWritable();
    const file = await uploaded(`\ufeff${`${CHAT}\r\n\r\n`.repeat(11)}${CHAT}`);
    const hyperparameters = { n_epochs: 1, batch_size: 1 };
    const { id } = await created({ training_file: file.id, hyperparameters });
    clock.advance(UNTIL_ENDED);
    expect((await events(id)).filter(({ type }) => type === 'metrics')).toHaveLength(12);
  });

  it('may be a generated one of the same method', async () => {
    const { created, jobs, job, clock } = await openWritable();
    const existing = await jobs();
    const createdJobs = [];
    for (const type of ['supervised', 'dpo']) {
      const like = existing.find((job) => job.method.type === type && job.status === 'succeeded');
      const { training_file } = like ?? { training_file: '' };
      createdJobs.push(await created({ training_file, model: like?.model, method: { type } }));
    }
    clock.advance(UNTIL_RUNNING);
    for (const { id } of createdJobs) expect((await job(id)).status).toBe('running');
  });

  it('fails the job when the steps exceed the limit of the sandbox', async () => {
    const { uploaded, created, job, clock } = await openWritable();
    const file = await uploaded(lines(401));
    const { id } = await created({ training_file: file.id, hyperparameters: { n_epochs: 50, batch_size: 1 } });
    clock.advance(UNTIL_RUNNING);
    expect(await job(id)).toMatchObject({ status: 'failed', error: { code: 'too_many_steps' } });
  });
});

describe('a quota', () => {
  it('rejects a job above the concurrent limit, and accepts it after another one has ended', async () => {
    const { uploaded, create, control, clock } = await openWritable({ quota: { concurrent: 2 } });
    const { id: training_file } = await uploaded();
    const { body } = await create({ training_file });
    await create({ training_file });
    const { status, body: rejection } = await create({ training_file });
    expect(status).toBe(429);
    expect(rejection.error.code).toBe('rate_limit_exceeded');
    expect((await create({ training_file, model: 'gpt-4.1' })).status).toBe(200);
    await control(body.id, 'cancel');
    expect((await create({ training_file })).status).toBe(200);
    clock.advance(UNTIL_ENDED);
    expect((await create({ training_file })).status).toBe(200);
  });

  it('rejects a job above the daily limit with the recorded message, and accepts it the next day', async () => {
    const { uploaded, create, clock } = await openWritable({ quota: { perDay: 1 } });
    const { id: training_file } = await uploaded();
    await create({ training_file });
    const { status, body } = await create({ training_file });
    expect({ status, error: body.error }).toEqual({
      status: 429,
      error: {
        message:
          "This fine-tune request has been rate-limited. Your organization has reached the maximum of 1 fine-tuning requests per day for the model 'gpt-4o-mini-2024-07-18'.",
        type: 'invalid_request_error',
        param: null,
        code: 'daily_rate_limit_exceeded',
      },
    });
    clock.advance(86_400_000);
    expect((await create({ training_file })).status).toBe(200);
  });

  it('is not exceeded by concurrent requests', async () => {
    const { uploaded, create } = await openWritable({ quota: { perDay: 1 } });
    const { id: training_file } = await uploaded();
    const responses = await Promise.all([
      create({ training_file }),
      create({ training_file }),
      create({ training_file }),
    ]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  });
});
