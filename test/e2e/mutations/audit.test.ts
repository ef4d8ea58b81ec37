import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { create } from '../../kit/mutation/create-job.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startWithFileLimit } from '../../kit/process/process.ts';
import { tokenFile } from '../../kit/process/token.ts';

const INPUT = { modelId: 'gpt-4.1-mini-2025-04-14', trainingFileId: 'file-1', suffix: 'a confidential name' };
const CANCEL =
  'mutation Stop { cancelFineTuningJob(input: { jobId: "ftjob-1" }) { __typename ... on Error { code message } } }';

/** An upstream that creates and cancels `ftjob-1`. */
async function startWritable() {
  const upstream = await startUpstream();
  const job = jobBody({ id: 'ftjob-1', status: 'running' });
  upstream.onJobs([]);
  upstream.onJob(job);
  const respond = (_: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, 200, job, { 'x-request-id': 'req_of_upstream' });
  upstream.on('/fine_tuning/jobs', (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST') respond(request, response);
    else writeResponse(response, 200, { object: 'list', data: [], has_more: false });
  });
  upstream.on('/fine_tuning/jobs/ftjob-1/cancel', respond);
  return upstream;
}

async function start(settings: Record<string, string> = {}) {
  const upstream = await startWritable();
  const file = join(makeFolder({ 'keep.txt': '' }), 'audit.jsonl');
  const { file: list, tokens } = tokenFile({ otto: 'operator', vera: 'viewer' });
  const gateway = await startGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    ALLOW_MUTATIONS: 'on',
    AUTH: 'tokens',
    AUTH_TOKENS_FILE: list,
    AUDIT_FILE: file,
    ...settings,
  });
  return {
    upstream,
    gateway,
    file,
    tokens,
    records: (path = file) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line): Record<string, unknown> => JSON.parse(line)),
    async cancel(name: 'otto' | 'vera', more: Record<string, string> = {}) {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens[name]}`, ...more };
      const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query: CANCEL }) });
      return Object(await response.json()).data.cancelFineTuningJob;
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe('AUDIT_FILE', () => {
  it('gets a record before the mutation is sent, and one after it', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    const result = world.cancel('otto');
    await gate.arrived(1);
    const attempt = {
      phase: 'begin',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      mutation: 'cancelFineTuningJob',
      operation: 'Stop',
      viewer: 'otto',
      callerId: 'otto',
      role: 'operator',
      address: '127.0.0.1',
      requestId: expect.any(String),
      id: 'ftjob-1',
      input: { jobId: 'ftjob-1' },
    };
    expect(world.records()).toEqual([attempt]);
    gate.release();
    expect(await result).toEqual({ __typename: 'CancelFineTuningJobSuccess' });
    expect(world.records()).toEqual([
      attempt,
      { ...attempt, phase: 'end', outcome: 'Success', upstreamRequestId: 'req_of_upstream' },
    ]);
    expect(world.gateway.log.filter(({ mutation }) => mutation !== undefined)).toEqual([]);
  });

  it('has model and file of a created job, the hash of its idempotency key, and no text of the input', async () => {
    await using world = await start();
    const key = 'nightly-2026-11-30';
    await create(world.gateway, { ...INPUT, idempotencyKey: key }, world.tokens.otto);
    const { modelId, trainingFileId } = INPUT;
    const idempotencyKeySha256 = createHash('sha256').update(key).digest('hex');
    expect(world.records()).toMatchObject([
      { phase: 'begin', mutation: 'createFineTuningJob', input: { modelId, trainingFileId, idempotencyKeySha256 } },
      { phase: 'end', outcome: 'Success', id: 'ftjob-1', upstreamRequestId: 'req_of_upstream' },
    ]);
    const text = readFileSync(world.file, 'utf8');
    expect(text).not.toContain(key);
    expect(text).not.toContain('confidential');
  });

  it("has the trace id of the client's traceparent", async () => {
    await using world = await start();
    const traceId = 'a'.repeat(32);
    await world.cancel('otto', { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` });
    expect(world.records()).toMatchObject([{ traceId }, { traceId }]);
  });

  it('has one record of a mutation that is forbidden', async () => {
    await using world = await start();
    expect(await world.cancel('vera')).toMatchObject({ code: 'FORBIDDEN' });
    expect(world.records()).toMatchObject([{ phase: 'end', viewer: 'vera', outcome: 'Forbidden' }]);
  });

  it('has the failure of the upstream', async () => {
    await using world = await start();
    world.upstream.failAll((_, response) =>
      writeResponse(response, 500, { error: { message: 'broken' } }, { 'x-request-id': 'req_failed' }),
    );
    await world.cancel('otto');
    expect(world.records()).toMatchObject([
      { phase: 'begin' },
      { phase: 'end', outcome: expect.any(String), upstreamStatus: 500, upstreamRequestId: 'req_failed' },
    ]);
  });

  it('is appended to, and only its owner can read it', async () => {
    await using world = await start();
    await world.cancel('otto');
    await using again = await start({ AUDIT_FILE: world.file });
    await again.cancel('otto');
    expect(world.records()).toHaveLength(4);
    expect(statSync(world.file).mode & 0o777).toBe(0o600);
  });

  it('is opened again by SIGHUP, so that it can be rotated', async () => {
    await using world = await start();
    await world.cancel('otto');
    const rotated = `${world.file}.1`;
    renameSync(world.file, rotated);
    world.gateway.reloadFiles();
    await world.cancel('otto');
    expect([world.records(rotated).length, world.records().length]).toEqual([2, 2]);
  });

  it('that cannot be written stops mutations, and nothing is sent; later ones run when it can', async () => {
    await using upstream = await startWritable();
    const file = join(makeFolder({ full: 'x'.repeat(4096) }), 'full');
    await using gateway = startWithFileLimit(4, 'src/main.ts', {
      PORT: '0',
      OPENAI_BASE_URL: upstream.baseUrl,
      OPENAI_API_KEY: 'test-key-example',
      ALLOW_MUTATIONS: 'on',
      AUDIT_FILE: file,
    });
    const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
    const send = async () => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: CANCEL }) });
      return (await response.json()) as Record<string, unknown>; // The body of every GraphQL response is an object.
    };
    expect(await send()).toMatchObject({
      data: null,
      errors: [
        {
          message:
            'The audit record cannot be written, so the mutation did not run; nothing was sent to the upstream. Tell the operator of the gateway.',
          extensions: { code: 'INTERNAL', requestId: expect.any(String) },
        },
      ],
    });
    expect(upstream.calls).toEqual([]);
    await gateway.waitForOutput(/"err":\{[^}]*EFBIG/);
    writeFileSync(file, '');
    expect(await send()).toEqual({ data: { cancelFineTuningJob: { __typename: 'CancelFineTuningJobSuccess' } } });
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it.each<[string, (folder: string) => string]>([
    ['a directory', (folder) => folder],
    ['a FIFO', makeFifo],
    ['below a directory that does not exist', (folder) => join(folder, 'none', 'audit.jsonl')],
  ])('that is %s is refused at the start', (_, make) => {
    const [problem] = problemsOf({ AUDIT_FILE: make(makeFolder({ a: '' })) });
    expect(problem).toMatch(/^AUDIT_FILE: .* is not the path of a regular file that can be written \(/);
  });
});

function makeFifo(folder: string): string {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  return join(folder, 'fifo');
}
