import { randomUUID } from 'node:crypto';
import OpenAI, { AzureOpenAI, toFile } from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newSecret } from '../kit/bodies/webhook.ts';
import { startReceiver } from '../kit/gateway/webhook-receiver.ts';
import { openSandbox } from '../unit/sandbox/open.ts';
import { lines, UNTIL_ENDED, UNTIL_RUNNING } from '../unit/sandbox/write.ts';

/** Opens a sandbox and the official client, configured with the base URL and keys only. */
async function openClient() {
  const [apiKey, adminAPIKey] = [randomUUID(), randomUUID()];
  const sandbox = await openSandbox({ apiKey, adminKey: adminAPIKey });
  const client = new OpenAI({ baseURL: sandbox.baseUrl.href, apiKey, adminAPIKey, maxRetries: 0 });
  return { client, jobs: client.fineTuning.jobs, sandbox, clock: sandbox.clock };
}

const jsonl = () => toFile(Buffer.from(lines(20)), 'train.jsonl');
const hyperparameters = { n_epochs: 2, batch_size: 1 };

describe('the official openai client with writes', () => {
  it('uploads, creates, lists events and checkpoints, cancels and deletes', async () => {
    const { client, jobs, sandbox, clock } = await openClient();
    const receiver = await startReceiver();
    onTestFinished(() => receiver[Symbol.asyncDispose]());
    sandbox.sendWebhooks({ url: receiver.url, secret: newSecret() });
    const expires_after = { anchor: 'created_at', seconds: 3600 } as const;
    const file = await client.files.create({ file: await jsonl(), purpose: 'fine-tune', expires_after });
    expect(file).toMatchObject({ filename: 'train.jsonl', status: 'processed', expires_at: file.created_at + 3600 });
    const method = { type: 'supervised', supervised: { hyperparameters } } as const;
    const create = { model: 'gpt-4o-mini', training_file: file.id, metadata: { run: 'one' }, method };
    const [job, other] = [await jobs.create({ ...create, suffix: 'first' }), await jobs.create(create)];
    expect((await jobs.list({ metadata: { run: 'one' } })).data.map(({ id }) => id)).toEqual([other.id, job.id]);
    clock.advance(UNTIL_RUNNING);
    expect((await jobs.cancel(other.id)).status).toBe('cancelled');
    const notifiedIds = () => receiver.received.map(({ event }) => Object(event).data.id);
    clock.advance(500);
    while (!notifiedIds().includes(other.id)) await receiver.reached(receiver.received.length + 1);
    clock.advance(UNTIL_ENDED);
    const { status, fine_tuned_model } = await jobs.retrieve(job.id);
    expect(status).toBe('succeeded');
    const events = await Array.fromAsync(jobs.listEvents(job.id, { limit: 7 }));
    expect(events.filter(({ type }) => type === 'metrics')).toHaveLength(40);
    const checkpoints = await Array.fromAsync(jobs.checkpoints.list(job.id));
    expect(checkpoints[0]?.fine_tuned_model_checkpoint).toBe(fine_tuned_model);
    expect(await client.models.delete(fine_tuned_model ?? '')).toMatchObject({ deleted: true });
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    await expect(jobs.create(create)).rejects.toMatchObject({ status: 400, param: 'training_file' });
  });

  it('pauses and resumes', async () => {
    const { client, jobs, clock } = await openClient();
    const file = await client.files.create({ file: await jsonl(), purpose: 'fine-tune' });
    const { id } = await jobs.create({ model: 'gpt-4.1', training_file: file.id, hyperparameters });
    clock.advance(UNTIL_RUNNING + 10_000);
    expect((await jobs.pause(id)).status).toBe('pausing');
    clock.advance(10_000);
    expect((await jobs.retrieve(id)).status).toBe('paused');
    expect((await jobs.checkpoints.list(id)).data).toHaveLength(1);
    expect((await jobs.resume(id)).status).toBe('resuming');
    clock.advance(UNTIL_ENDED);
    expect((await jobs.retrieve(id)).status).toBe('succeeded');
    await expect(jobs.cancel(id)).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it('creates checkpoint permissions with its admin key, lists them by auto-paging and deletes one', async () => {
    const { client, jobs, sandbox } = await openClient();
    const { permissions } = client.fineTuning.checkpoints;
    const model = (await jobs.checkpoints.list(sandbox.exampleJobId)).data[1]?.fine_tuned_model_checkpoint ?? '';
    const created = await Array.fromAsync(permissions.create(model, { project_ids: ['proj_a', 'proj_b', 'proj_c'] }));
    const listed = await Array.fromAsync(permissions.list(model, { limit: 1, order: 'ascending' }));
    expect(listed).toEqual(created);
    const id = created[1]?.id ?? '';
    expect(await permissions.delete(id, { fine_tuned_model_checkpoint: model })).toMatchObject({ id, deleted: true });
    expect((await permissions.list(model)).data.map(({ project_id }) => project_id)).toEqual(['proj_c', 'proj_a']);
  });

  it('validates and runs a grader', async () => {
    const { client } = await openClient();
    const { graders } = client.fineTuning.alpha;
    const grader = {
      type: 'string_check',
      name: 'g',
      input: '{{sample.output_text}}',
      reference: 'a',
      operation: 'eq',
    } as const;
    expect((await graders.validate({ grader })).grader).toEqual(grader);
    expect((await graders.run({ grader, model_sample: 'a' })).reward).toBe(1);
  });

  it('creates two jobs by a retry after a 500 that follows the creation: the endpoint is not idempotent', async () => {
    const { client, sandbox } = await openClient();
    const { id } = await client.files.create({ file: await jsonl(), purpose: 'fine-tune' });
    sandbox.faults.onNext('POST', '/fine_tuning/jobs', 'fail_after');
    await client.fineTuning.jobs.create(
      { model: 'gpt-4.1', training_file: id, metadata: { k: 'v' } },
      { maxRetries: 1 },
    );
    expect((await client.fineTuning.jobs.list({ metadata: { k: 'v' } })).data).toHaveLength(2);
  });
});

describe('the official openai client for Azure with writes in the dialect azure', () => {
  it('uploads, creates, cancels and deletes', async () => {
    const apiKey = randomUUID();
    const { baseUrl, clock } = await openSandbox({ apiKey, dialect: 'azure' });
    const client = new AzureOpenAI({ baseURL: baseUrl.href, apiKey, apiVersion: '2024-10-21', maxRetries: 0 });
    const file = await client.files.create({ file: await jsonl(), purpose: 'fine-tune' });
    expect(file.status).toBe('pending');
    const { jobs } = client.fineTuning;
    const created = await jobs.create({ model: 'gpt-4o-mini-2024-07-18', training_file: file.id }).withResponse();
    const { id, status } = created.data;
    expect(created.response.status).toBe(201);
    expect(created.response.headers.get('location')).toBe(`/openai/fine_tuning/jobs/${id}`);
    expect(status).toBe('pending');
    clock.advance(UNTIL_RUNNING);
    expect((await jobs.cancel(id)).status).toBe('canceling');
    clock.advance(UNTIL_ENDED);
    expect((await jobs.retrieve(id)).status).toBe('cancelled');
    await client.delete(`/fine_tuning/jobs/${id}`);
    await expect(jobs.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    expect(await client.files.delete(file.id)).toMatchObject({ deleted: true });
  });
});
