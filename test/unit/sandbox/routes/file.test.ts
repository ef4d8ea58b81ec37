import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { readFile } from '../../../../src/upstream/resources/file.ts';
import { openSandbox, type WireFile, type WireJob } from '../open.ts';

const linesOf = (content: string) =>
  content
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('GET /files', () => {
  it('has the envelope with the first and the last id', async () => {
    const { body } = await (await openSandbox()).ask('/files');
    expect(Object.keys(body)).toEqual(['object', 'data', 'first_id', 'last_id', 'has_more']);
    expect(body).toMatchObject({ first_id: body.data[0].id, last_id: body.data.at(-1).id, has_more: false });
  });

  it('gives files as they were recorded', async () => {
    const { list } = await openSandbox();
    for (const file of await list<WireFile>('/files')) {
      expect(file).toEqual({
        object: 'file',
        id: expect.stringMatching(/^file-[A-Za-z0-9]{22}$/),
        purpose: expect.stringMatching(/^fine-tune(-results)?$/),
        filename: expect.stringMatching(/\.(jsonl|csv)$/),
        bytes: expect.any(Number),
        created_at: expect.any(Number),
        expires_at: null,
        status: 'processed',
        status_details: null,
      });
      expect(readFile(file).id).toBe(file.id);
    }
  });

  it('gives the newest first, or the oldest with order=asc', async () => {
    const { list } = await openSandbox();
    const files = await list<WireFile>('/files');
    const times = files.map(({ created_at }) => created_at);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(await list('/files?order=asc')).toEqual(files.toReversed());
    expect(await list('/files?order=desc')).toEqual(files);
  });

  it.each(['asc', 'desc'])('loses and repeats none on a walk in order %s', async (order) => {
    const { list, get } = await openSandbox();
    const walked: string[] = [];
    for (let hasMore = true; hasMore; ) {
      const after = walked.length === 0 ? '' : `&after=${walked.at(-1)}`;
      const page = (await (await get(`/files?limit=7&order=${order}${after}`)).json()) as {
        data: WireFile[];
        has_more: boolean;
      };
      walked.push(...page.data.map(({ id }) => id));
      hasMore = page.has_more;
    }
    expect(walked).toEqual((await list<WireFile>(`/files?order=${order}`)).map(({ id }) => id));
  });

  it('gives the files of one purpose', async () => {
    const { list } = await openSandbox();
    const purposes = async (purpose: string) =>
      new Set((await list<WireFile>(`/files?purpose=${purpose}`)).map((file) => file.purpose));
    expect(await purposes('fine-tune')).toEqual(new Set(['fine-tune']));
    expect(await purposes('fine-tune-results')).toEqual(new Set(['fine-tune-results']));
    expect(await purposes('assistants')).toEqual(new Set());
  });

  it.each([
    ['purpose=x', 'purpose', /^'x' is not one of \['fine-tune', .+\] - 'purpose'$/],
    ['order=ascending', 'order', /^'ascending' is not one of \['asc', 'desc'\] - 'order'$/],
    ['limit=0', 'limit', /^0 is less than the minimum of 1 - 'limit'$/],
    ['limit=10001', 'limit', /^10001 is greater than the maximum of 10000 - 'limit'$/],
    ['limit=ten', 'limit', /^'ten' is not of type 'integer' - 'limit'$/],
  ])('refuses %s, and says it twice', async (query, param, message) => {
    expect(await (await openSandbox()).ask(`/files?${query}`)).toEqual({
      status: 400,
      body: {
        error: { message: expect.stringMatching(message), type: 'invalid_request_error', param, code: null },
        detail: { message: expect.stringMatching(message), code: null },
      },
    });
  });

  it('refuses a cursor that is no file', async () => {
    expect(await (await openSandbox()).ask('/files?after=file-nobody')).toMatchObject({
      status: 404,
      body: { error: { param: 'after' }, detail: {} },
    });
  });
});

describe('GET /files/{id}', () => {
  it('gives each file as the list has it', async () => {
    const { list, ask } = await openSandbox();
    for (const file of await list<WireFile>('/files?limit=10'))
      expect((await ask(`/files/${file.id}`)).body).toEqual(file);
  });

  it.each(['', '/content'])('has the recorded body for an unknown file: /files/{id}%s', async (rest) => {
    const message = 'No such File object: file-nobody';
    expect(await (await openSandbox()).ask(`/files/file-nobody${rest}`)).toEqual({
      status: 404,
      body: {
        error: { message, type: 'invalid_request_error', param: 'id', code: null },
        detail: { message, code: null },
      },
    });
  });
});

describe('the files of a job', () => {
  it('are there, but for a training file that somebody deleted', async () => {
    const { jobs, ask } = await openSandbox();
    for (const { training_file, validation_file, result_files, error, id } of await jobs()) {
      if (error.code === 'deleted_training_file') expect((await ask(`/files/${training_file}`)).status).toBe(404);
      for (const file of [validation_file, ...result_files])
        if (file !== null) expect((await ask(`/files/${file}`)).status, id).toBe(200);
    }
  });

  it('are not all there for one job that succeeded', async () => {
    const { jobs, list } = await openSandbox();
    const known = new Set((await list<WireFile>('/files')).map(({ id }) => id));
    const orphans = (await jobs()).filter((job) => job.status === 'succeeded' && !known.has(job.training_file));
    expect(orphans).toHaveLength(1);
  });

  it('get a results file at the moment of success', async () => {
    const { jobs, ask, list, clock } = await openSandbox();
    const before = new Set((await list<WireFile>('/files')).map(({ id }) => id));
    const running = (await jobs()).filter(({ status }) => status === 'running').map(({ id }) => id);
    clock.advance(300_000);
    const ended = (await jobs()).filter(({ id, status }) => running.includes(id) && status === 'succeeded');
    expect(ended.length).toBeGreaterThan(0);
    for (const { result_files, finished_at } of ended) {
      expect(before.has(result_files[0] ?? '')).toBe(false);
      expect((await ask(`/files/${result_files[0]}`)).body).toMatchObject({
        purpose: 'fine-tune-results',
        created_at: finished_at,
      });
    }
  });

  it('lie there while they are validated, and one of them is deleted then', async () => {
    const { jobs, ask, clock } = await openSandbox({ seed: 3 });
    const seen = new Map<string, number>();
    for (let minute = 0; minute < 240; minute += 1) {
      for (const { id, status, training_file } of await jobs('?limit=5'))
        if (status === 'validating_files' && !seen.has(id)) seen.set(id, (await ask(`/files/${training_file}`)).status);
      clock.advance(5_000);
    }
    expect(new Set(seen.values())).toEqual(new Set([200]));
    expect(seen.size).toBeGreaterThan(5);
  });
});

describe('GET /files/{id}/content', () => {
  it('gives exactly as many bytes as the file says', async () => {
    const { list, get } = await openSandbox();
    for (const { id, bytes } of await list<WireFile>('/files')) {
      const response = await get(`/files/${id}/content`);
      expect(response.headers.get('content-length')).toBe(String(bytes));
      expect((await response.arrayBuffer()).byteLength).toBe(bytes);
    }
  });

  it('gives the same bytes each time', async () => {
    const { list, content } = await openSandbox();
    const [file] = await list<WireFile>('/files?purpose=fine-tune');
    expect(await content(file?.id ?? '')).toBe(await content(file?.id ?? ''));
  });

  it('is an attachment of bytes under the name of the file', async () => {
    const { list, get } = await openSandbox();
    const files = await list<WireFile>('/files');
    const header = async (file: WireFile | undefined, name: string) =>
      (await get(`/files/${file?.id}/content`)).headers.get(name);
    const plain = files.find(({ filename }) => filename === 'support-triage-train.jsonl');
    expect(await header(plain, 'content-type')).toBe('application/octet-stream');
    expect(await header(plain, 'content-disposition')).toBe('attachment; filename="support-triage-train.jsonl"');
    const odd = files.find(({ filename }) => filename.includes('"'));
    expect(await header(odd, 'content-disposition')).toBe(
      String.raw`attachment; filename="_bersetzungen \"neu\"-valid.jsonl"; filename*=UTF-8''%C3%BCbersetzungen%20%22neu%22-valid.jsonl`,
    );
  });

  it('survives clients that leave early', async () => {
    const onError = vi.fn();
    const { list, baseUrl, ask } = await openSandbox({ onError });
    const largest = (await list<WireFile>('/files')).sort((a, b) => b.bytes - a.bytes)[0];
    const socket = connect(Number(baseUrl.port), '127.0.0.1');
    const request = `GET /v1/files/${largest?.id}/content HTTP/1.1\r\nhost: a\r\nauthorization: Bearer any\r\n\r\n`;
    socket.write(request.repeat(50)); // More than all buffers on the way can take.
    await once(socket, 'data');
    socket.destroy();
    await once(socket, 'close');
    for (let turn = 0; turn < 20; turn += 1) expect((await ask('/files?limit=1')).status).toBe(200);
    expect(onError.mock.calls).toEqual([]);
  });
});

describe('a training file', () => {
  /** The lines of the training file of the first job that is meant. */
  async function linesFor(isMeant: (job: WireJob) => boolean) {
    const { jobs, content } = await openSandbox();
    const job = (await jobs()).find(isMeant);
    return linesOf(await content(job?.training_file ?? ''));
  }
  const ended = ({ status }: WireJob) => status === 'succeeded';

  it('has as many examples as the steps of its job need', async () => {
    expect(await linesFor((job) => ended(job) && job.model === 'babbage-002')).toHaveLength(2500);
    expect(await linesFor((job) => ended(job) && job.hyperparameters?.n_epochs === 3)).toHaveLength(80);
  });

  it('holds conversations for a supervised job', async () => {
    for (const { messages } of await linesFor((job) => ended(job) && job.model === 'gpt-4.1-mini-2025-04-14'))
      expect(messages).toMatchObject([{ role: 'system' }, { role: 'user' }, { role: 'assistant' }]);
  });

  it('holds pairs for a DPO job', async () => {
    for (const line of await linesFor((job) => ended(job) && job.method.type === 'dpo'))
      expect(line).toEqual({
        input: { messages: [{ role: 'user', content: expect.any(String) }] },
        preferred_output: [{ role: 'assistant', content: expect.any(String) }],
        non_preferred_output: [{ role: 'assistant', content: expect.any(String) }],
      });
  });

  it('holds items with what the grader looks at for a reinforcement job', async () => {
    for (const line of await linesFor((job) => ended(job) && job.method.type === 'reinforcement'))
      expect(line).toEqual({ messages: [expect.anything()], code: expect.any(String), text: expect.any(String) });
  });

  it('holds prompts and completions for an old base model', async () => {
    for (const line of await linesFor((job) => ended(job) && job.model === 'babbage-002'))
      expect(line).toEqual({ prompt: expect.any(String), completion: expect.any(String) });
  });

  it('of a job that it fails is as bad as the error says', async () => {
    const formless = await linesFor(({ error }) => error.code === 'invalid_training_file');
    for (const line of formless) expect(line).not.toHaveProperty('messages');
    const { jobs, content } = await openSandbox();
    const job = (await jobs()).find(({ error }) => error.code === 'invalid_file_format');
    const lines = (await content(job?.training_file ?? '')).split('\n');
    const bad = lines.flatMap((line, index) => (line.includes('<|fim_suffix|>') ? [index + 1] : []));
    expect(job?.error.message).toContain(`Example ${bad} message contains an invalid token: <|fim_suffix|>`);
  });
});
