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
  it('has the envelope with first_id and last_id', async () => {
    const { body } = await (await openSandbox()).getJson('/files');
    expect(Object.keys(body)).toEqual(['object', 'data', 'has_more', 'first_id', 'last_id']);
    expect(body).toMatchObject({ first_id: body.data[0].id, last_id: body.data.at(-1).id, has_more: false });
  });

  it('returns files with the recorded members', async () => {
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

  it('returns the newest file first, or the oldest with order=asc', async () => {
    const { list } = await openSandbox();
    const files = await list<WireFile>('/files');
    const times = files.map(({ created_at }) => created_at);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(await list('/files?order=asc')).toEqual(files.toReversed());
    expect(await list('/files?order=desc')).toEqual(files);
  });

  it.each(['asc', 'desc'])('returns each file once over all pages in order %s', async (order) => {
    const { list, get } = await openSandbox();
    const ids: string[] = [];
    for (let hasMore = true; hasMore; ) {
      const after = ids.length === 0 ? '' : `&after=${ids.at(-1)}`;
      const page = (await (await get(`/files?limit=7&order=${order}${after}`)).json()) as {
        data: WireFile[];
        has_more: boolean;
      };
      ids.push(...page.data.map(({ id }) => id));
      hasMore = page.has_more;
    }
    expect(ids).toEqual((await list<WireFile>(`/files?order=${order}`)).map(({ id }) => id));
  });

  it('filters by purpose', async () => {
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
  ])('rejects %s, and repeats the message in `detail`', async (query, param, message) => {
    expect(await (await openSandbox()).getJson(`/files?${query}`)).toEqual({
      status: 400,
      body: {
        error: { message: expect.stringMatching(message), type: 'invalid_request_error', param, code: null },
        detail: { message: expect.stringMatching(message), code: null },
      },
    });
  });

  it('rejects an unknown cursor', async () => {
    expect(await (await openSandbox()).getJson('/files?after=file-unknown')).toMatchObject({
      status: 404,
      body: { error: { param: 'after' }, detail: {} },
    });
  });
});

describe('GET /files/{id}', () => {
  it('returns each file with the body of the list', async () => {
    const { list, getJson } = await openSandbox();
    for (const file of await list<WireFile>('/files?limit=10'))
      expect((await getJson(`/files/${file.id}`)).body).toEqual(file);
  });

  it.each(['', '/content'])('has the recorded body for an unknown file: /files/{id}%s', async (rest) => {
    const message = 'No such File object: file-unknown';
    expect(await (await openSandbox()).getJson(`/files/file-unknown${rest}`)).toEqual({
      status: 404,
      body: {
        error: { message, type: 'invalid_request_error', param: 'id', code: null },
        detail: { message, code: null },
      },
    });
  });
});

describe('the files of a job', () => {
  it('exist, except a deleted training file', async () => {
    const { jobs, getJson } = await openSandbox();
    for (const { training_file, validation_file, result_files, error, id } of await jobs()) {
      if (error.code === 'deleted_training_file') expect((await getJson(`/files/${training_file}`)).status).toBe(404);
      for (const file of [validation_file, ...result_files])
        if (file !== null) expect((await getJson(`/files/${file}`)).status, id).toBe(200);
    }
  });

  it('lack the training file of one succeeded job', async () => {
    const { jobs, list } = await openSandbox();
    const known = new Set((await list<WireFile>('/files')).map(({ id }) => id));
    const orphans = (await jobs()).filter((job) => job.status === 'succeeded' && !known.has(job.training_file));
    expect(orphans).toHaveLength(1);
  });

  it('include a results file from the success on', async () => {
    const { jobs, getJson, list, clock } = await openSandbox();
    const before = new Set((await list<WireFile>('/files')).map(({ id }) => id));
    const running = (await jobs()).filter(({ status }) => status === 'running').map(({ id }) => id);
    clock.advance(300_000);
    const ended = (await jobs()).filter(({ id, status }) => running.includes(id) && status === 'succeeded');
    expect(ended.length).toBeGreaterThan(0);
    for (const { result_files, finished_at } of ended) {
      expect(before.has(result_files[0] ?? '')).toBe(false);
      expect((await getJson(`/files/${result_files[0]}`)).body).toMatchObject({
        purpose: 'fine-tune-results',
        created_at: finished_at,
      });
    }
  });

  it('include the training file while it is validated', async () => {
    const { jobs, getJson, clock } = await openSandbox({ seed: 3 });
    const statusById = new Map<string, number>();
    for (let minute = 0; minute < 240; minute += 1) {
      for (const { id, status, training_file } of await jobs('?limit=5'))
        if (status === 'validating_files' && !statusById.has(id))
          statusById.set(id, (await getJson(`/files/${training_file}`)).status);
      clock.advance(5_000);
    }
    expect(new Set(statusById.values())).toEqual(new Set([200]));
    expect(statusById.size).toBeGreaterThan(5);
  });
});

describe('GET /files/{id}/content', () => {
  it('returns as many bytes as the file has', async () => {
    const { list, get } = await openSandbox();
    for (const { id, bytes } of await list<WireFile>('/files')) {
      const response = await get(`/files/${id}/content`);
      expect(response.headers.get('content-length')).toBe(String(bytes));
      expect((await response.arrayBuffer()).byteLength).toBe(bytes);
    }
  });

  it('returns the same bytes each time', async () => {
    const { list, content } = await openSandbox();
    const [file] = await list<WireFile>('/files?purpose=fine-tune');
    expect(await content(file?.id ?? '')).toBe(await content(file?.id ?? ''));
  });

  it('returns an attachment with the file name', async () => {
    const { list, get } = await openSandbox();
    const files = await list<WireFile>('/files');
    const header = async (file: WireFile | undefined, name: string) =>
      (await get(`/files/${file?.id}/content`)).headers.get(name);
    const plain = files.find(({ filename }) => filename === 'support-triage-train.jsonl');
    expect(await header(plain, 'content-type')).toBe('application/octet-stream');
    expect(await header(plain, 'content-disposition')).toBe('attachment; filename="support-triage-train.jsonl"');
    const escaped = files.find(({ filename }) => filename.includes('"'));
    expect(await header(escaped, 'content-disposition')).toBe(
      String.raw`attachment; filename="_bersetzungen \"neu\"-valid.jsonl"; filename*=UTF-8''%C3%BCbersetzungen%20%22neu%22-valid.jsonl`,
    );
  });

  it('handles clients that close the connection early', async () => {
    const onError = vi.fn();
    const { list, baseUrl, getJson } = await openSandbox({ onError });
    const largest = (await list<WireFile>('/files')).sort((a, b) => b.bytes - a.bytes)[0];
    const socket = connect(Number(baseUrl.port), '127.0.0.1');
    const request = `GET /v1/files/${largest?.id}/content HTTP/1.1\r\nhost: a\r\nauthorization: Bearer any\r\n\r\n`;
    socket.write(request.repeat(50)); // More than all buffers hold.
    await once(socket, 'data');
    socket.destroy();
    await once(socket, 'close');
    for (let count = 0; count < 20; count += 1) expect((await getJson('/files?limit=1')).status).toBe(200);
    expect(onError.mock.calls).toEqual([]);
  });
});

describe('a training file', () => {
  /** The examples of the training file of the first job that matches. */
  async function linesFor(matches: (job: WireJob) => boolean) {
    const { jobs, content } = await openSandbox();
    const job = (await jobs()).find(matches);
    return linesOf(await content(job?.training_file ?? ''));
  }
  const ended = ({ status }: WireJob) => status === 'succeeded';

  it('has the number of examples of the scenario', async () => {
    expect(await linesFor((job) => ended(job) && job.model === 'babbage-002')).toHaveLength(2500);
    expect(await linesFor((job) => ended(job) && job.hyperparameters?.n_epochs === 3)).toHaveLength(80);
  });

  it('has conversations for a supervised job', async () => {
    for (const { messages } of await linesFor((job) => ended(job) && job.model === 'gpt-4.1-mini-2025-04-14'))
      expect(messages).toMatchObject([{ role: 'system' }, { role: 'user' }, { role: 'assistant' }]);
  });

  it('has preference pairs for a DPO job', async () => {
    for (const line of await linesFor((job) => ended(job) && job.method.type === 'dpo'))
      expect(line).toEqual({
        input: { messages: [{ role: 'user', content: expect.any(String) }] },
        preferred_output: [{ role: 'assistant', content: expect.any(String) }],
        non_preferred_output: [{ role: 'assistant', content: expect.any(String) }],
      });
  });

  it('has items with the variables of the grader for a reinforcement job', async () => {
    for (const line of await linesFor((job) => ended(job) && job.method.type === 'reinforcement'))
      expect(line).toEqual({ messages: [expect.anything()], code: expect.any(String), text: expect.any(String) });
  });

  it('has prompts and completions for a completion model', async () => {
    for (const line of await linesFor((job) => ended(job) && job.model === 'babbage-002'))
      expect(line).toEqual({ prompt: expect.any(String), completion: expect.any(String) });
  });

  it('has the error of a job that fails for it', async () => {
    const wrongFormat = await linesFor(({ error }) => error.code === 'invalid_training_file');
    for (const line of wrongFormat) expect(line).not.toHaveProperty('messages');
    const { jobs, content } = await openSandbox();
    const job = (await jobs()).find(({ error }) => error.code === 'invalid_file_format');
    const lines = (await content(job?.training_file ?? '')).split('\n');
    const invalidLines = lines.flatMap((line, index) => (line.includes('<|fim_suffix|>') ? [index + 1] : []));
    expect(job?.error.message).toContain(`Example ${invalidLines} message contains an invalid token: <|fim_suffix|>`);
  });
});
