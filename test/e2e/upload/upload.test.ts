import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hashOf } from '../../../src/server/graphql/trusted-documents.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { answersIn, openWire } from '../../kit/client/raw-http.ts';
import { filePart, formOf, headOf, openForm, partsOf, trainingLines, UPLOAD, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const PATIENCE = { timeout: 10_000 };
const LINES = trainingLines(12);

/** Where the sandbox of this process puts uploads. */
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
  const files = data?.['files'] as { edges: { node: { filename: string } }[] } | undefined; // By the query.
  return (files?.edges ?? []).map(({ node }) => node.filename);
}

describe('a training file', () => {
  it('is uploaded, told of, and in every query at once', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway({}, createTestClock());
    const before = await namesIn(gateway); // Which is kept, as the clock stands.
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

  it('gets the name, the purpose and the end that it is given', async () => {
    const clock = createTestClock();
    await using gateway = await startGateway({}, clock);
    const input = { filename: '../x/other.txt', purpose: 'ASSISTANTS', expiresAfterSeconds: 3600 };
    expect((await upload(gateway.url, 'no JSON', { input })).outcome).toMatchObject({
      file: { filename: 'other.txt', purpose: 'ASSISTANTS', expiresAt: clock.now() / 1000 + 3600 },
      report: null,
    });
  });

  it('can be a text in the query, where it is checked as well', async () => {
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
      report: { issues: [{ line: 13, severity: 'ERROR' }] },
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

  it('with errors in it is not made, and all of them are told', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway();
    const content = `${LINES}no JSON\n{"messages":[]}\n${LINES}{"a":1}\n`;
    const { outcome } = await upload(gateway.url, content);
    expect(outcome).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      code: 'BAD_USER_INPUT',
      report: {
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
    await expect.poll(spool, PATIENCE).toEqual([]);
  });

  it('whose last line has the error is not made either, though all of it was sent', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway();
    const { outcome } = await upload(gateway.url, `${trainingLines(50_000)}{"half":`);
    expect(outcome).toMatchObject({
      __typename: 'InvalidTrainingFileError',
      report: {
        exampleCount: 50_001,
        issues: [{ line: 50_001, message: 'is not JSON; expected one JSON object per line' }],
      },
    });
    expect(await namesIn(gateway)).not.toContain('train.jsonl');
    await expect.poll(spool, PATIENCE).toEqual([]);
  });

  it('is not checked when it is not to be', async () => {
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
  ])('with %j is %s', async (input, __typename) => {
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

  it('is another file each time, though the same request comes again', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const ids = [];
    for (let time = 0; time < 2; time++) ids.push(Object((await upload(gateway.url, LINES)).outcome?.['file']).id);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    [{ MAX_QUERY_COST: '50' }, 200, 'QUERY_TOO_COMPLEX'],
    [{ MAX_QUERY_COST: '51', RATE_LIMIT_PER_MINUTE: '52' }, 429, 'RATE_LIMITED'],
  ])('counts as the points that it may cost: with %j its second time is refused', async (settings, status, code) => {
    await using gateway = await startGateway(settings);
    if (status === 429) expect((await upload(gateway.url, LINES)).outcome).toMatchObject({ report: {} });
    const refused = await upload(gateway.url, LINES);
    expect([refused.status, refused.body.errors?.[0]?.extensions['code']]).toEqual([status, code]);
  });

  it('is two when two are uploaded at once', async () => {
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

describe('who may not upload', () => {
  it('is told so, and the upstream is not asked; the connection serves on', async () => {
    await using upstream = await startUpstream();
    const { file, tokens } = tokenFile({ vera: 'viewer', otto: 'operator' });
    const auth = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, ALLOW_MUTATIONS: 'on' };
    await using gateway = await startGateway({ ...auth, OPENAI_BASE_URL: upstream.baseUrl });
    const form = formOf(...partsOf(), filePart(trainingLines(50_000)));
    await using wire = await openWire(gateway.url);
    wire.write(headOf(form.length, `Authorization: Bearer ${tokens.vera}\r\n`), form);
    await wire.said(/uploadFile needs the role operator; the caller has the role viewer\./);
    wire.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([200, 200]);
    const none = await upload(gateway.url, LINES);
    expect([none.status, none.body.errors?.[0]?.extensions['code']]).toEqual([401, 'UNAUTHENTICATED']);
    expect(upstream.calls).toEqual([]);
    upstream.on('/files', fileBody('file-1'));
    const headers = { authorization: `Bearer ${tokens.otto}` };
    expect((await upload(gateway.url, LINES, { headers })).outcome).toMatchObject({ file: { id: 'file-1' } });
    expect((await askAs(gateway.url, headers.authorization, '{ file(id: "file-1") { id } }')).data).toEqual({
      file: { id: 'file-1' },
    });
    expect(upstream.calls.map(({ method }) => method)).toEqual(['POST']); // The store knew it.
  });
});

describe('an upload by a document that is not trusted', () => {
  it('is refused like any other', async () => {
    const folder = makeFolder({ 'documents.json': JSON.stringify({ [hashOf(NAMES)]: NAMES }) });
    await using gateway = await startGateway({ TRUSTED_DOCUMENTS: join(folder, 'documents.json') });
    const { status, body } = await upload(gateway.url, LINES);
    expect([status, body.errors?.[0]?.extensions['code']]).toEqual([403, 'DOCUMENT_NOT_TRUSTED']);
  });
});

describe('an upload that its client leaves in the middle', () => {
  it('ends the upstream request, and leaves nothing', async () => {
    const spool = watchSpool();
    await using gateway = await startGateway();
    const wire = await openWire(gateway.url);
    wire.write(headOf(10_000_000), openForm(...partsOf(), filePart(trainingLines(5000))));
    await expect.poll(spool, PATIENCE).toHaveLength(1);
    await wire[Symbol.asyncDispose]();
    await expect.poll(spool, PATIENCE).toEqual([]);
    expect(await namesIn(gateway)).not.toContain('train.jsonl');
    const told = gateway.log.filter(({ msg }) => msg === 'mutation' || msg === 'internal error');
    expect(told).toMatchObject([{ mutation: 'uploadFile', outcome: 'BAD_REQUEST' }]);
  });
});

describe('an upstream that fails in the middle of an upload', () => {
  const content = trainingLines(100_000); // 9 MB: more than any buffer on the way.
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
    upstream.on('/files', (request: NodeJS.ReadableStream, response: Parameters<typeof answer>[0]) => {
      request.once('data', () => answer(response, status, { error: { message: 'No.', code } }, headers));
    });

  it.each([
    [429, 'slow_down', { __typename: 'UpstreamError', code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 7 }],
    [429, 'insufficient_quota', { __typename: 'QuotaExceededError', code: 'UPSTREAM_QUOTA_EXCEEDED' }],
    [413, 'too_large', { __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED', upstreamStatus: 413 }],
    [500, 'server_error', { __typename: 'OutcomeUnknownError', code: 'OUTCOME_UNKNOWN' }],
  ])('with %i %s is a failure that its client reads', async (status, code, failure) => {
    failing(status, code, { 'retry-after': '7' });
    expect((await upload(gateway.url, content)).outcome).toMatchObject(failure);
    expect(upstream.calls).toHaveLength(1);
  });

  it('by a cut connection is a failure that its client reads', async () => {
    upstream.on('/files', (request: import('node:http').IncomingMessage) => {
      request.once('data', () => request.socket.destroy());
    });
    expect((await upload(gateway.url, content)).outcome).toMatchObject({ __typename: 'OutcomeUnknownError' });
  });

  it('leaves a connection that serves on, for a client that sends all before it reads', async () => {
    failing(429, 'slow_down');
    const form = formOf(...partsOf(), filePart(content));
    await using wire = await openWire(gateway.url);
    wire.write(headOf(form.length), form);
    wire.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const answers = answersIn(await wire.closed);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toContain('UPSTREAM_RATE_LIMITED');
  });
});

describe('clients', () => {
  it("of Apollo's upload link are answered: its header, its keys, its variable of the type Upload", async () => {
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

  it('that write the document as GraphQL writes null are told what a file is', async () => {
    await using gateway = await startGateway();
    for (const file of ['"text"', '{ a: 1 }', '1']) {
      const { errors } = await gateway.query(`mutation { uploadFile(input: { file: ${file} }) { __typename } }`);
      expect(errors?.[0]?.message).toMatch(/expected a file that is sent in a multipart request/);
    }
    const { errors } = await gateway.query(UPLOAD, { input: { file: 'text' } });
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(errors?.[0]?.message).toMatch(/expected a file that is sent in a multipart request/);
  });

  it('that ask for two files by one upload have the first, and are told so by the second', async () => {
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
