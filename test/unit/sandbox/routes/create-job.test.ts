import { describe, expect, it } from 'vitest';
import { CHAT, lines, openWritable, UNTIL_ENDED, UNTIL_RUNNING } from '../write.ts';

const GRADER = { type: 'string_check', name: 'same', input: '{{sample.output_text}}', reference: 'x', operation: 'eq' };

describe('a create', () => {
  it('answers a job that validates its files, as recorded: the alias resolved, "auto" for what is not given', async () => {
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

  it('makes a job with the members of every other', async () => {
    const { created, jobs } = await openWritable();
    const job = await created();
    const seeded = (await jobs()).find(({ id, method }) => id !== job.id && method.type === 'supervised');
    expect(Object.keys(job).sort()).toEqual(Object.keys(seeded ?? {}).sort());
  });

  it('makes a job that stands first in the list, in the order of creation within a second', async () => {
    const { created, jobs } = await openWritable();
    const ids = [await created(), await created(), await created()].map(({ id }) => id);
    expect((await jobs()).slice(0, 3).map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('makes a job that lives through all statuses, with the steps that its file and hyperparameters make', async () => {
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

  it('takes the deprecated hyperparameters beside the method', async () => {
    const { created } = await openWritable();
    expect(await created({ hyperparameters: { n_epochs: 4 } })).toMatchObject({ hyperparameters: { n_epochs: 4 } });
  });

  it('takes dpo and reinforcement, members that nobody knows included', async () => {
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

  it('lets no unknown member stand in for a known one', async () => {
    const { created } = await openWritable();
    expect(await created({ id: 'mine', status: 'succeeded', organization_id: 'x' })).toMatchObject({
      id: expect.stringMatching(/^ftjob-/),
      status: 'validating_files',
      organization_id: expect.stringMatching(/^org-/),
    });
  });

  it('goes on from a model that a job has made', async () => {
    const { created, job, exampleJobId } = await openWritable();
    const { fine_tuned_model: model, model: base } = await job(exampleJobId);
    const next = await created({ model });
    expect(next.model).toBe(model);
    expect(base).toMatch(/^gpt/);
  });
});

describe('a create at a limit', () => {
  const text = (length: number) => '𝄞'.repeat(length);
  const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']));
  const supervised = (hyperparameters: object) => ({ method: { type: 'supervised', supervised: { hyperparameters } } });
  const dpo = (hyperparameters: object) => ({ method: { type: 'dpo', dpo: { hyperparameters } } });
  const reinforced = (hyperparameters: object) => ({
    method: { type: 'reinforcement', reinforcement: { grader: GRADER, hyperparameters } },
  });

  it('is taken, and one past it is refused with the member at fault', async () => {
    const { create, uploaded } = await openWritable();
    const { id } = await uploaded();
    const limits: [param: string, taken: object, refused: object][] = [
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
    for (const [param, taken, refused] of limits) {
      expect((await create({ training_file: id, ...taken })).body, param).toMatchObject({ object: 'fine_tuning.job' });
      const { status, body } = await create({ training_file: id, ...refused });
      expect({ status, param: body.error?.param }, JSON.stringify(refused).slice(0, 99)).toEqual({
        status: 400,
        param,
      });
    }
  });
});

describe('a create that cannot be', () => {
  it.each([
    [
      'a training file that is not there',
      { training_file: 'file-x' },
      'invalid training_file: file-x',
      'training_file',
      null,
    ],
    [
      'a validation file that is not there',
      { validation_file: 'v' },
      'invalid validation_file: v',
      'validation_file',
      null,
    ],
    [
      'a model that is not there',
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
      'metadata of another type',
      { metadata: { modified: true } },
      "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
      'metadata.modified',
      'invalid_type',
    ],
    ['no model', { model: undefined }, "Missing required parameter: 'model'.", 'model', 'missing_required_parameter'],
  ])('by %s is refused in the recorded words', async (_, members, message, param, code) => {
    const { create, uploaded, jobs } = await openWritable();
    const before = await jobs();
    const { status, body } = await create({ training_file: (await uploaded()).id, ...members });
    expect({ status, body }).toEqual({
      status: 400,
      body: { error: { message, type: 'invalid_request_error', param, code } },
    });
    expect(await jobs()).toEqual(before);
  });

  it('is refused with a file for another purpose, a model past its end, a grader without what it needs', async () => {
    const { create, upload, uploaded, clock } = await openWritable();
    const { body: batch } = await upload(lines(20), { purpose: 'batch' });
    expect((await create({ training_file: batch.id })).body.error.message).toBe(`invalid training_file: ${batch.id}`);
    const { id } = await uploaded();
    expect((await create({ training_file: id, model: 'gpt-4.1-nano' })).status).toBe(200);
    clock.advance(Date.UTC(2026, 9, 23) - clock.now());
    const gone = await create({ training_file: id, model: 'gpt-4.1-nano' });
    expect(gone.body.error.code).toBe('model_not_available');
    const reinforcement = { grader: { ...GRADER, operation: 'is' } };
    const { body } = await create({ training_file: id, method: { type: 'reinforcement', reinforcement } });
    expect(body.error.param).toBe('method.reinforcement.grader.operation');
  });

  it('is refused when it is no JSON, or so deep that nobody could write it back', async () => {
    const { send } = await openWritable();
    const asJson = { 'content-type': 'application/json' };
    for (const body of ['{', `{"model":${'['.repeat(5000)}${']'.repeat(5000)}}`])
      expect((await send('POST', '/fine_tuning/jobs', body, asJson)).status).toBe(400);
    expect((await send('POST', '/fine_tuning/jobs', '{}')).status).toBe(400);
    expect((await send('POST', '/fine_tuning/jobs')).body.error.param).toBe('model');
  });
});

describe('the file of a new job', () => {
  const messages = (list: object[]) => JSON.stringify({ messages: list });
  const user = { role: 'user', content: 'Hello' };
  it.each([
    ['a line that is no JSON', `${lines(10)}{"messages"\n`, 'invalid_file_format', /Example 11 is not a JSON object/],
    [
      'a question and answer',
      lines(12, '{"q":"a"}'),
      'invalid_training_file',
      /expected either prompt\/completion pairs or chat/,
    ],
    [
      'no answer',
      lines(12, messages([user])),
      'invalid_file_format',
      /Example 1 has no last message from the assistant/,
    ],
    ['an unknown role', lines(12, messages([{ ...user, role: 'boss' }])), 'invalid_file_format', /unknown role: boss/],
    [
      'a token',
      lines(12, messages([user, { role: 'assistant', content: '<|fim_suffix|>' }])),
      'invalid_file_format',
      /^The job failed due to a file format error in the training file. Invalid file format. Example 1 message contains an invalid token: <\|fim_suffix\|>.$/,
    ],
    ['too few lines', lines(9), 'invalid_n_examples', /has 9 example\(s\), but must have at least 10/],
    ['nothing', '', 'invalid_n_examples', /has 0 example/],
    [
      'bytes that are no UTF-8',
      Buffer.from([...Buffer.from(lines(10)), 0xff, 0xfe, 0x0a]),
      'invalid_file_format',
      /Example 11/,
    ],
  ])('with %s fails it once it is validated', async (_, content, code, message) => {
    const { uploaded, created, job, events, clock } = await openWritable();
    const { id } = await created({ training_file: (await uploaded(content)).id });
    expect((await job(id)).error).toEqual({});
    clock.advance(UNTIL_RUNNING);
    const failed = await job(id);
    expect(failed).toMatchObject({ status: 'failed', finished_at: null, error: { code, param: 'training_file' } });
    expect(failed.error.message).toMatch(message);
    expect((await events(id))[0]).toMatchObject({ level: 'error', message: failed.error.message });
  });

  it('is read with a mark of byte order, Windows lines, empty lines and no end', async () => {
    const { uploaded, created, events, clock } = await openWritable();
    const file = await uploaded(`\ufeff${`${CHAT}\r\n\r\n`.repeat(11)}${CHAT}`);
    const hyperparameters = { n_epochs: 1, batch_size: 1 };
    const { id } = await created({ training_file: file.id, hyperparameters });
    clock.advance(UNTIL_ENDED);
    expect((await events(id)).filter(({ type }) => type === 'metrics')).toHaveLength(12);
  });

  it('may be one that the seed has made, whatever the method wants', async () => {
    const { created, jobs, job, clock } = await openWritable();
    const known = await jobs();
    const made = [];
    for (const type of ['supervised', 'dpo']) {
      const like = known.find((job) => job.method.type === type && job.status === 'succeeded');
      const { training_file } = like ?? { training_file: '' };
      made.push(await created({ training_file, model: like?.model, method: { type } }));
    }
    clock.advance(UNTIL_RUNNING);
    for (const { id } of made) expect((await job(id)).status).toBe('running');
  });

  it('fails a job that would take more steps than the sandbox trains', async () => {
    const { uploaded, created, job, clock } = await openWritable();
    const file = await uploaded(lines(401));
    const { id } = await created({ training_file: file.id, hyperparameters: { n_epochs: 50, batch_size: 1 } });
    clock.advance(UNTIL_RUNNING);
    expect(await job(id)).toMatchObject({ status: 'failed', error: { code: 'too_many_steps' } });
  });
});

describe('a quota', () => {
  it('refuses a job too many at once, and takes it when another has ended', async () => {
    const { uploaded, create, steer, clock } = await openWritable({ quota: { concurrent: 2 } });
    const { id: training_file } = await uploaded();
    const { body } = await create({ training_file });
    await create({ training_file });
    const { status, body: refusal } = await create({ training_file });
    expect(status).toBe(429);
    expect(refusal.error.code).toBe('rate_limit_exceeded');
    expect((await create({ training_file, model: 'gpt-4.1' })).status).toBe(200);
    await steer(body.id, 'cancel');
    expect((await create({ training_file })).status).toBe(200);
    clock.advance(UNTIL_ENDED);
    expect((await create({ training_file })).status).toBe(200);
  });

  it('refuses a job too many in a day in the recorded words, and takes it on the next', async () => {
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

  it('holds when two creates come at once', async () => {
    const { uploaded, create } = await openWritable({ quota: { perDay: 1 } });
    const { id: training_file } = await uploaded();
    const answers = await Promise.all([
      create({ training_file }),
      create({ training_file }),
      create({ training_file }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  });
});
