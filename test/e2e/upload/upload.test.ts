import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hashOf } from '../../../src/server/graphql/trusted-documents.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import {
  filePart,
  formOf,
  headOf,
  partsOf,
  trainingLines,
  UPLOAD,
  unclosedForm,
  upload,
} from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const POLL = { timeout: 10_000 };
const LINES = trainingLines(12);

/** Redirects the sandbox's spool. Returns a function that lists its files. */
function watchSpool(): () => string[] {
  const folder = makeFolder({});
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  onTestFinished(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  return () => readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)));
}

const NAMES = '{ files(first: 100) { edges { node { filename } } } }';
async function namesIn(gateway: TestGateway): Promise<string[]> {
  const { data } = await gateway.query(NAMES);
  const files = data?.['files'] as { edges: { node: { filename: string } }[] } | undefined; // As queried.
  return (files?.edges ?? []).map(({ node }) => node.filename);
}

describe('a training file', () => {
  it('is uploaded and reported, and appears in every query at once', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway({}, createTestClock());
    const before = await namesIn(gateway); // Cached, as the test clock is stopped.
    const { status, body, outcome } = await upload(gateway.url, LINES);
    expect([status, body.errors]).toEqual([200, undefined]);
    const id: unknown = Object(outcome?.['file']).id;
    expect(outcome).toMatchObject({
      __typename: 'UploadFileSuccess',
      file: { filename: 'train.jsonl', bytes: LINES.length, purpose: 'FINE_TUNE', expiresAt: null },
      report: { format: 'CHAT', exampleCount: 12, duplicateCount: 0, issues: [], errorCount: 0, isComplete: true },
    });
    expect(await namesIn(gateway)).toEqual(['train.jsonl', ...before]);
    const query = 'query ($id: ID!) { file(id: $id) { filename preview(maxBytes: 100000) { text } } }';
    expect((await gateway.query(query, { id })).data).toEqual({
      file: { filename: 'train.jsonl', preview: { text: LINES } },
    });
    expect(spool()).toEqual([id]);
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'uploadFile', id, outcome: 'Success' },
    ]);
  });

  it('gets the requested name, purpose and expiration', async () => {
    const clock = createTestClock();
    await using gateway = await startGateway({}, clock);
    const input = { filename: '../x/other.txt', purpose: 'ASSISTANTS', expiresAfterSeconds: 3600 };
    expect((await upload(gateway.url, 'no JSON', { input })).outcome).toMatchObject({
      file: { filename: 'other.txt', purpose: 'ASSISTANTS', expiresAt: clock.now() / 1000 + 3600 },
      report: null,
    });
  });

  it('can be sent as text in the query, and is validated as well', async () => {
    await using gateway = await startGateway();
    const uploadText = async (input: object) => {
      const { data, errors } = await gateway.query(UPLOAD, { input });
      expect(errors).toBeUndefined();
      return data?.['uploadFile'];
    };
    expect(await uploadText({ text: LINES, filename: 'train.jsonl' })).toMatchObject({
      file: { filename: 'train.jsonl', bytes: LINES.length },
      report: { exampleCount: 12, isComplete: true },
    });
    expect(await uploadText({ text: LINES })).toMatchObject({ file: { filename: 'upload.jsonl' } });
    expect(await uploadText({ text: `${LINES}no JSON` })).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      invalid: { issues: [{ line: 13, severity: 'ERROR' }] },
    });
    expect(await uploadText({ text: '' })).toMatchObject({ __typename: 'InvalidTrainingFileError' });
    expect(await uploadText({ purpose: 'UNKNOWN', expiresAfterSeconds: 0 })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [
        { path: ['file'], message: 'is missing; expected a file, or its content as text' },
        { path: ['purpose'], message: 'is UNKNOWN; expected a known FilePurpose, such as FINE_TUNE' },
        { path: ['expiresAfterSeconds'] },
      ],
    });
    const both = await upload(gateway.url, LINES, { input: { text: LINES } });
    expect(both.outcome).toMatchObject({ __typename: 'InvalidInputError' });
    expect((await namesIn(gateway)).slice(0, 2)).toEqual(['upload.jsonl', 'train.jsonl']);
  });

  it('with errors is not created, and all errors are reported', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway();
    const content = `${LINES}no JSON\n{"messages":[]}\n${LINES}{"a":1}\n`;
    const { outcome } = await upload(gateway.url, content);
    expect(outcome).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      code: 'BAD_USER_INPUT',
      invalid: {
        exampleCount: 27,
        duplicateCount: 12,
        issueCount: 3,
        errorCount: 3,
        isComplete: true,
        issues: [
          { line: 13, severity: 'ERROR', message: 'is not JSON; expected one JSON object per line' },
          { line: 14, severity: 'ERROR' },
          { line: 27, severity: 'ERROR' },
        ],
      },
    });
    expect(await namesIn(gateway)).not.toContain('train.jsonl');
    await expect.poll(spool, POLL).toEqual([]);
  });

  it('with an error in its last line is not created, though all of it was sent', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway();
    const { outcome } = await upload(gateway.url, `${trainingLines(50_000)}{"half":`);
    expect(outcome).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      invalid: {
        exampleCount: 50_001,
        issues: [{ line: 50_001, message: 'is not JSON; expected one JSON object per line' }],
      },
    });
    expect(await namesIn(gateway)).not.toContain('train.jsonl');
    await expect.poll(spool, POLL).toEqual([]);
  });

  it('is not validated with `isChecked: false`', async () => {
    await using gateway = await startGateway();
    const input = { isChecked: false };
    expect((await upload(gateway.url, '{"prompt":1}', { input })).outcome).toMatchObject({
      __typename: 'UploadFileSuccess',
      report: null,
    });
  });

  it.each([
    [{ expiresAfterSeconds: 3599 }, 'InvalidInputError'],
    [{ expiresAfterSeconds: 3600 }, 'UploadFileSuccess'],
    [{ expiresAfterSeconds: 2_592_000 }, 'UploadFileSuccess'],
    [{ expiresAfterSeconds: 2_592_001 }, 'InvalidInputError'],
  ])('with %j results in %s', async (input, __typename) => {
    await using gateway = await startGateway();
    const { outcome } = await upload(gateway.url, LINES, { input });
    expect(outcome).toMatchObject({ __typename });
    if (__typename === 'UploadFileSuccess') return;
    expect(outcome).toMatchObject({
      issues: [
        {
          path: ['expiresAfterSeconds'],
          message: expect.stringMatching(/^is \d+; expected an integer from 3600 to 2592000, such as 86400$/),
        },
      ],
    });
  });

  it('is a new file for each equal request', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const ids = [];
    for (let time = 0; time < 2; time++) ids.push(Object((await upload(gateway.url, LINES)).outcome?.['file']).id);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    [{ MAX_QUERY_COST: '50' }, 200, 'QUERY_TOO_COMPLEX'],
    [{ MAX_QUERY_COST: '51', RATE_LIMIT_PER_MINUTE: '52' }, 429, 'RATE_LIMITED'],
  ])('costs points: with %j the second upload is rejected', async (settings, status, code) => {
    await using gateway = await startGateway(settings);
    if (status === 429) expect((await upload(gateway.url, LINES)).outcome).toMatchObject({ report: {} });
    const rejected = await upload(gateway.url, LINES);
    expect([rejected.status, rejected.body.errors?.[0]?.extensions['code']]).toEqual([status, code]);
  });

  it('becomes two files when two are uploaded at once', async () => {
    await using gateway = await startGateway();
    const contents = [trainingLines(20_000, 'one'), trainingLines(10_000, 'two')];
    const uploads = await Promise.all(
      contents.map((content, index) => upload(gateway.url, content, { filename: `${index}.jsonl` })),
    );
    const query = '{ files(first: 2) { edges { node { filename preview(maxBytes: 200) { text } } } } }';
    const texts = JSON.stringify((await gateway.query(query)).data);
    for (const [index, { outcome }] of uploads.entries()) {
      const [filename, content = ''] = [`${index}.jsonl`, contents[index]];
      expect(outcome).toMatchObject({
        file: { filename, bytes: content.length },
        report: { exampleCount: content.split('\n').length - 1 },
      });
      expect(texts).toContain(JSON.stringify({ filename, preview: { text: content.slice(0, 200) } }));
    }
  });
});

describe('a caller without permission to upload', () => {
  it('gets an error without an upstream call, and can use the connection again', async () => {
    await using upstream = await startUpstream();
    const { file, tokens } = tokenFile({ vera: 'viewer', otto: 'operator' });
    const auth = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, ALLOW_MUTATIONS: 'on' };
    await using gateway = await startGateway({ ...auth, OPENAI_BASE_URL: upstream.baseUrl });
    const form = formOf(...partsOf(), filePart(trainingLines(50_000)));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(form.length, `Authorization: Bearer ${tokens.vera}\r\n`), form);
    await connection.receivedMatch(/uploadFile needs the role operator; the caller has the role viewer\./);
    connection.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([200, 200]);
    const unauthenticated = await upload(gateway.url, LINES);
    expect([unauthenticated.status, unauthenticated.body.errors?.[0]?.extensions['code']]).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
    expect(upstream.calls).toEqual([]);
    upstream.on('/files', fileBody('file-1'));
    const headers = { authorization: `Bearer ${tokens.otto}` };
    expect((await upload(gateway.url, LINES, { headers })).outcome).toMatchObject({ file: { id: 'file-1' } });
    expect((await askAs(gateway.url, headers.authorization, '{ file(id: "file-1") { id } }')).data).toEqual({
      file: { id: 'file-1' },
    });
    expect(upstream.calls.map(({ method }) => method)).toEqual(['POST']); // The file was cached.
  });
});

describe('an upload by an untrusted document', () => {
  it('is rejected like any other request', async () => {
    const folder = makeFolder({ 'documents.json': JSON.stringify({ [hashOf(NAMES)]: NAMES }) });
    await using gateway = await startGateway({ TRUSTED_DOCUMENTS: join(folder, 'documents.json') });
    const { status, body } = await upload(gateway.url, LINES);
    expect([status, body.errors?.[0]?.extensions['code']]).toEqual([403, 'DOCUMENT_NOT_TRUSTED']);
  });
});

describe('an upload whose client disconnects', () => {
  it('aborts the upstream request, and leaves no file', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway();
    const connection = await openRawConnection(gateway.url);
    connection.write(headOf(10_000_000), unclosedForm(...partsOf(), filePart(trainingLines(5000))));
    await expect.poll(spool, POLL).toHaveLength(1);
    await connection[Symbol.asyncDispose]();
    await expect.poll(spool, POLL).toEqual([]);
    expect(await namesIn(gateway)).not.toContain('train.jsonl');
    const lines = gateway.log.filter(({ msg }) => msg === 'mutation' || msg === 'internal error');
    expect(lines).toMatchObject([{ mutation: 'uploadFile', outcome: 'BAD_REQUEST' }]);
  });
});

describe('an upstream that fails during an upload', () => {
  const content = trainingLines(100_000); // 9 MB: above all buffers on the way.
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let gateway: TestGateway;
  beforeEach(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on' });
  });
  afterEach(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  const failing = (status: number, code: string, headers = {}) =>
    upstream.on('/files', (request: NodeJS.ReadableStream, response: Parameters<typeof writeResponse>[0]) => {
      request.once('data', () => writeResponse(response, status, { error: { message: 'No.', code } }, headers));
    });

  it.each([
    [429, 'slow_down', { __typename: 'UpstreamError', code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 7 }],
    [429, 'insufficient_quota', { __typename: 'QuotaExceededError', code: 'UPSTREAM_QUOTA_EXCEEDED' }],
    [413, 'too_large', { __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED', upstreamStatus: 413 }],
    [500, 'server_error', { __typename: 'OutcomeUnknownError', code: 'OUTCOME_UNKNOWN' }],
  ])('with %i %s returns a failure to the client', async (status, code, failure) => {
    failing(status, code, { 'retry-after': '7' });
    expect((await upload(gateway.url, content)).outcome).toMatchObject(failure);
    expect(upstream.calls).toHaveLength(1);
  });

  it('with a closed connection returns a failure to the client', async () => {
    upstream.on('/files', (request: import('node:http').IncomingMessage) => {
      request.once('data', () => request.socket.destroy());
    });
    expect((await upload(gateway.url, content)).outcome).toMatchObject({ __typename: 'OutcomeUnknownError' });
  });

  it('leaves the connection usable for a client that sends all before it reads', async () => {
    failing(429, 'slow_down');
    const form = formOf(...partsOf(), filePart(content));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(form.length), form);
    connection.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const responses = parseResponses(await connection.closed);
    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
    expect(responses[0]?.body).toContain('UPSTREAM_RATE_LIMITED');
  });
});

describe('clients', () => {
  it("with Apollo's upload link work: its header, its keys, its variable of the type Upload", async () => {
    await using gateway = await startGateway();
    const query = UPLOAD.replace('$input: UploadFileInput!', '$file: Upload!').replace(
      'input: $input',
      'input: { file: $file }',
    );
    const form = new FormData();
    form.append('operations', JSON.stringify({ operationName: null, query, variables: { file: null } }));
    form.append('map', JSON.stringify({ 1: ['variables.file'] }));
    form.append('1', new File([LINES], 'mine.jsonl'), 'mine.jsonl');
    const headers = {
      'apollo-require-preflight': 'true',
      accept: 'application/graphql-response+json,application/json',
    };
    const response = await fetch(gateway.url, { method: 'POST', headers, body: form });
    expect(await response.json()).toMatchObject({ data: { uploadFile: { file: { filename: 'mine.jsonl' } } } });
  });

  it('that send a literal in the place of a file get an error', async () => {
    await using gateway = await startGateway();
    for (const file of ['"text"', '{ a: 1 }', '1']) {
      const { errors } = await gateway.query(`mutation { uploadFile(input: { file: ${file} }) { __typename } }`);
      expect(errors?.[0]?.message).toMatch(/expected a file that is sent in a multipart request/);
    }
    const { errors } = await gateway.query(UPLOAD, { input: { file: 'text' } });
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(errors?.[0]?.message).toMatch(/expected a file that is sent in a multipart request/);
  });

  it('that use one file twice get the first, and an error for the second', async () => {
    await using gateway = await startGateway();
    const query = `mutation ($input: UploadFileInput!) {
      one: uploadFile(input: $input) { __typename }
      two: uploadFile(input: $input) { __typename ... on InvalidInputError { issues { path message } } }
    }`;
    expect((await upload(gateway.url, LINES, { query })).body).toEqual({
      data: {
        one: { __typename: 'UploadFileSuccess' },
        two: {
          __typename: 'InvalidInputError',
          issues: [
            {
              path: ['file'],
              message: 'is already used by another field of the operation; expected a file of its own',
            },
          ],
        },
      },
    });
  });
});
