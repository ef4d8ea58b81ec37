import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { type GraphqlResponse, startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const CHECK = `query ($id: ID!) { checkTrainingFile(fileId: $id) {
  format exampleCount characterCount longestExample duplicateCount issueCount errorCount isComplete
  issues { line severity message }
} }`;
const DELETE = `mutation ($id: ID!) { deleteFile(input: { fileId: $id }) {
  __typename ... on DeleteFileSuccess { deletedFileId } ... on Error { message code }
} }`;

const LINES = trainingLines(12);

async function uploaded(gateway: TestGateway, content = LINES, input = {}): Promise<string> {
  const { outcome } = await upload(gateway.url, content, { input });
  return String(Object(outcome?.['file']).id);
}

const one = ({ data }: GraphqlResponse, field: string) => data?.[field];

describe('checkTrainingFile', () => {
  it('returns the same report as the upload', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { outcome } = await upload(gateway.url, LINES);
    const id = String(Object(outcome?.['file']).id);
    expect(one(await gateway.query(CHECK, { id }), 'checkTrainingFile')).toEqual(outcome?.['report']);
  });

  it('reports the errors of a file that was uploaded without validation', async () => {
    await using gateway = await startGateway();
    const id = await uploaded(gateway, `${LINES}no JSON\n${LINES}{}`, { isChecked: false });
    expect(one(await gateway.query(CHECK, { id }), 'checkTrainingFile')).toMatchObject({
      exampleCount: 26,
      duplicateCount: 12,
      errorCount: 2,
      isComplete: true,
      issues: [{ line: 13 }, { line: 26 }],
    });
  });

  it.each(['file-none', '../models/x', ''])('is null when the file does not exist: %j', async (id) => {
    await using gateway = await startGateway();
    expect(await gateway.query(CHECK, { id })).toEqual({ data: { checkTrainingFile: null } });
  });

  it('reads the file once for queries at the same time, and not for later ones', async () => {
    await using upstream = await startUpstream();
    upstream.onContent('file-1', LINES);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, createTestClock());
    const gate = upstream.hold();
    const responses = [1, 2, 3].map(() => gateway.query(CHECK, { id: 'file-1' }));
    await gateway.received(3);
    await gate.arrived(1);
    gate.release();
    for (const response of await Promise.all(responses)) {
      expect(one(response, 'checkTrainingFile')).toMatchObject({ exampleCount: 12 });
    }
    await gateway.query(CHECK, { id: 'file-1' });
    await gateway.query(CHECK.replace('format', 'form: format'), { id: 'file-1' });
    expect(upstream.calls.map(({ target }) => target)).toEqual(['/files/file-1/content']);
  });

  it('has no time limit while bytes arrive', async () => {
    await using upstream = await startUpstream();
    const clock = createTestClock();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, clock);
    const lines = LINES.split(/(?<=\n)/);
    upstream.on('/files/file-1/content', async (_: unknown, response: Parameters<typeof writeResponse>[0]) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      for (const line of lines) {
        response.write(line);
        await until(() => clock.untilNext === 30_000); // The timeout between two chunks of a response.
        clock.advance(20_000);
      }
      response.end();
    });
    expect(one(await gateway.query(CHECK, { id: 'file-1' }), 'checkTrainingFile')).toMatchObject({ exampleCount: 12 });
  });

  it('validates at most three files of one caller at a time, and none for clients that disconnected', async () => {
    await using upstream = await startUpstream();
    const ids = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `file-${number}`);
    for (const id of ids) upstream.onContent(id, LINES);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const gate = upstream.hold();
    const disconnect = new AbortController();
    const active = ids.slice(0, 3).map((id) => gateway.query(CHECK, { id }));
    await gate.arrived(3);
    const disconnected = ids
      .slice(3, 7)
      .map((id) => gateway.query(CHECK, { id }, disconnect.signal).catch(() => 'disconnected'));
    await gateway.received(7);
    const last = gateway.query(CHECK, { id: 'file-8' });
    await gateway.received(8);
    disconnect.abort();
    await expect.poll(() => gateway.log.filter(({ isAborted }) => isAborted), { timeout: 10_000 }).toHaveLength(4);
    expect(upstream.calls).toHaveLength(3);
    gate.release();
    for (const response of await Promise.all([...active, last])) {
      expect(one(response, 'checkTrainingFile')).toMatchObject({ exampleCount: 12 });
    }
    expect(await Promise.all(disconnected)).toEqual(Array(4).fill('disconnected'));
    expect(upstream.calls).toHaveLength(4);
  });

  it('validates four files at a time, of which the last is for another caller, however many files of one caller wait', async () => {
    await using upstream = await startUpstream();
    const started: Parameters<typeof writeResponse>[0][] = [];
    const ids = Array.from({ length: 13 }, (_, index) => `file-${index}`);
    for (const id of ids)
      upstream.on(`/files/${id}/content`, (_: unknown, response: Parameters<typeof writeResponse>[0]) =>
        started.push(response),
      );
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, AUTH: 'passthrough' });
    const check = (key: string, id: string) => askAs(gateway.url, `Bearer ${key}`, CHECK, 'POST', { id });
    const many = ids.slice(1).map((id) => check('key-of-many', id));
    await gateway.received(12);
    await until(() => started.length === 3);
    const other = check('key-of-one', 'file-0');
    await until(() => started.length === 4);
    await gateway.received(14);
    expect(upstream.calls.slice(3).map(({ authorization }) => authorization)).toEqual(['Bearer key-of-one']);
    for (let index = 0; index < 13; index++) {
      await until(() => started.length > index);
      started[index]?.end(LINES);
    }
    for (const { data } of await Promise.all([...many, other])) {
      expect(data?.['checkTrainingFile']).toMatchObject({ exampleCount: 12 });
    }
  });

  it('costs more than a read of the file object', async () => {
    await using gateway = await startGateway();
    const query = '{ checkTrainingFile(fileId: "file-none") { format } }';
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, extensions: { cost: true } }),
    });
    expect(await response.json()).toMatchObject({ extensions: { cost: { requested: 51 } } });
  });

  it('is an upstream error when the content is incomplete', async () => {
    await using upstream = await startUpstream();
    upstream.on('/files/file-1/content', (_: unknown, response: Parameters<typeof writeResponse>[0]) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write(LINES.slice(0, 100), () => response.destroy());
    });
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    expect((await gateway.query(CHECK, { id: 'file-1' })).errors).toMatchObject([
      { path: ['checkTrainingFile'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } },
    ]);
  });

  it('requires the role operator', async () => {
    await using upstream = await startUpstream();
    const { file, tokens } = tokenFile({ vera: 'viewer', otto: 'operator' });
    const settings = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, OPENAI_BASE_URL: upstream.baseUrl };
    await using gateway = await startGateway(settings);
    upstream.onContent('file-1', LINES);
    const query = '{ checkTrainingFile(fileId: "file-1") { exampleCount } }';
    const forbidden = await askAs(gateway.url, `Bearer ${tokens.vera}`, query);
    expect(forbidden.errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
    expect(upstream.calls).toEqual([]);
    expect((await askAs(gateway.url, `Bearer ${tokens.otto}`, query)).data).toEqual({
      checkTrainingFile: { exampleCount: 12 },
    });
  });
});

describe('deleteFile', () => {
  it('deletes the file permanently, and the next query shows it', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const id = await uploaded(gateway);
    const query = `query ($id: ID!) {
      file(id: $id) { id } node(id: $id) { id } checkTrainingFile(fileId: $id) { exampleCount }
      files(first: 1) { edges { node { id } } }
    }`;
    const before = { file: { id }, node: { id }, checkTrainingFile: { exampleCount: 12 } };
    expect((await gateway.query(query, { id })).data).toMatchObject({
      ...before,
      files: { edges: [{ node: { id } }] },
    });
    expect(one(await gateway.query(DELETE, { id }), 'deleteFile')).toEqual({
      __typename: 'DeleteFileSuccess',
      deletedFileId: id,
    });
    const { data } = await gateway.query(query, { id });
    expect(data).toMatchObject({ file: null, node: null, checkTrainingFile: null });
    expect(JSON.stringify(data?.['files'])).not.toContain(id);
    expect(one(await gateway.query(DELETE, { id }), 'deleteFile')).toMatchObject({ __typename: 'NotFoundError' });
    expect(gateway.log.filter(({ msg, mutation }) => msg === 'mutation' && mutation === 'deleteFile')).toMatchObject([
      { id, outcome: 'Success' },
      { id, outcome: 'NotFound' },
    ]);
  });

  it('fails a job that is validating the file, and the next query shows it', async () => {
    const clock = createTestClock();
    await using gateway = await startGateway({}, clock);
    const id = await uploaded(gateway);
    const create = `mutation ($id: ID!) { createFineTuningJob(input: { modelId: "gpt-4o-mini-2024-07-18", trainingFileId: $id }) {
      ... on CreateFineTuningJobSuccess { fineTuningJob { id status } } ... on Error { message }
    } }`;
    const created = one(await gateway.query(create, { id }), 'createFineTuningJob');
    const jobId = Object(created).fineTuningJob?.id;
    expect(created).toMatchObject({ fineTuningJob: { status: 'VALIDATING_FILES' } });
    clock.advance(1); // Less than every cache time.
    await gateway.query(DELETE, { id });
    const query = 'query ($id: ID!) { fineTuningJob(id: $id) { status error { code } trainingFile { id } } }';
    expect((await gateway.query(query, { id: jobId })).data).toEqual({
      fineTuningJob: { status: 'FAILED', error: { code: 'deleted_training_file' }, trainingFile: null },
    });
  });

  it('that the upstream did not confirm lets the next query read the file and its content again', async () => {
    await using upstream = await startUpstream();
    upstream.onFile(fileBody('file-1'));
    upstream.onContent('file-1', LINES);
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on' };
    await using gateway = await startGateway(settings, createTestClock());
    const file = () =>
      gateway.query('{ file(id: "file-1") { id } checkTrainingFile(fileId: "file-1") { exampleCount } }');
    expect((await file()).data).toEqual({ file: { id: 'file-1' }, checkTrainingFile: { exampleCount: 12 } });
    upstream.failAll((_, response) => void response.destroy());
    expect(one(await gateway.query(DELETE, { id: 'file-1' }), 'deleteFile')).toMatchObject({
      __typename: 'OutcomeUnknownError',
    });
    upstream.failAll((_, response) =>
      writeResponse(response, 404, { error: { message: 'No such File object: file-1' } }),
    );
    expect((await file()).data).toEqual({ file: null, checkTrainingFile: null });
  });
});
