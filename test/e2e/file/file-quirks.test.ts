import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { toBase64 } from '../../kit/bodies/results.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

const query = (selection: string) => `{ file(id: "file-1") { ${selection} } }`;

/** The fields of a file whose body has these members too. */
async function readFile(members: Record<string, unknown>, selection: string): Promise<unknown> {
  await using world = await startWorld();
  world.upstream.onFile(fileBody('file-1', members));
  return (await world.ask(query(selection)))['file'];
}

describe('a file', () => {
  it('has a field for every property', async () => {
    await using world = await startWorld();
    const members = { expires_at: 1_770_000_000, status: 'error', status_details: 'Line 3 is no JSON.' };
    world.upstream.onFile(fileBody('file-1', members));
    world.upstream.onContent('file-1', '{"messages": []}\n');
    const selection = `__typename id filename bytes purpose rawPurpose status rawStatus statusDetails createdAt expiresAt
      preview { text isTruncated }`;
    expect(await world.ask(query(selection))).toEqual({
      file: {
        __typename: 'File',
        id: 'file-1',
        filename: 'train.jsonl',
        bytes: 120_000,
        purpose: 'FINE_TUNE',
        rawPurpose: 'fine-tune',
        status: 'ERROR',
        rawStatus: 'error',
        statusDetails: 'Line 3 is no JSON.',
        createdAt: 1_759_999_000,
        expiresAt: 1_770_000_000,
        preview: { text: '{"messages": []}\n', isTruncated: false },
      },
    });
  });

  it.each([
    ['fine-tune', 'FINE_TUNE'],
    ['fine-tune-results', 'FINE_TUNE_RESULTS'],
    ['assistants', 'ASSISTANTS'],
    ['assistants_output', 'ASSISTANTS_OUTPUT'],
    ['batch', 'BATCH'],
    ['batch_output', 'BATCH_OUTPUT'],
    ['vision', 'VISION'],
    ['user_data', 'USER_DATA'],
    ['evals', 'EVALS'],
    ['training-logs', 'UNKNOWN'],
  ])('with the purpose %s has the value %s', async (rawPurpose, purpose) => {
    expect(await readFile({ purpose: rawPurpose }, 'purpose rawPurpose')).toEqual({ purpose, rawPurpose });
  });

  it.each([[null], [undefined], [7]])('is valid when its purpose is %j', async (purpose) => {
    expect(await readFile({ purpose }, 'id purpose rawPurpose')).toEqual({
      id: 'file-1',
      purpose: 'UNKNOWN',
      rawPurpose: '',
    });
  });

  it.each([
    ['uploaded', 'UPLOADED'],
    ['pending', 'PENDING'],
    ['notRunning', 'PENDING'],
    ['running', 'RUNNING'],
    ['processed', 'PROCESSED'],
    ['error', 'ERROR'],
    ['failed', 'ERROR'],
    ['deleting', 'DELETING'],
    ['deleted', 'DELETED'],
    ['quarantined', 'UNKNOWN'],
  ])('with the status %s has the value %s', async (rawStatus, status) => {
    expect(await readFile({ status: rawStatus }, 'status rawStatus')).toEqual({ status, rawStatus });
  });

  it('is cached like a settled file when the server sends no status', async () => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1', { status: undefined }));
    await world.ask('{ file(id: "file-1") { status } }');
    world.clock.advance(10_000);
    expect(await world.callsOf('{ file(id: "file-1") { status } }')).toEqual([]);
  });

  it.each([[null], [undefined], [{}]])(
    'has no status when the upstream sends %j, as in the examples of the API',
    async (status) => {
      expect(await readFile({ status }, 'id status rawStatus')).toEqual({
        id: 'file-1',
        status: null,
        rawStatus: null,
      });
    },
  );

  it.each([
    ['beyond 2^31', 5_000_000_000, 5_000_000_000],
    ['the largest safe integer', 2 ** 53 - 1, 2 ** 53 - 1],
    ['zero', 0, 0],
    ['null', null, null],
    ['absent', undefined, null],
    ['a fraction', 1.5, null],
    ['a text', '12', 12],
    ['a text beyond 2^53', '9007199254740993', null],
    ['a text that is no number', '12abc', null],
  ])('has bytes: %s', async (_, bytes, expected) => {
    expect(await readFile({ bytes }, 'id bytes')).toEqual({ id: 'file-1', bytes: expected });
  });

  it.each([[null], [undefined], [0], ['0'], [''], ['never']])(
    'does not expire when the upstream sends %j',
    async (expires_at) => {
      expect(await readFile({ expires_at }, 'id expiresAt')).toEqual({ id: 'file-1', expiresAt: null });
    },
  );

  it('is valid with its id and its time only', async () => {
    await using world = await startWorld();
    world.upstream.onFile({ id: 'file-1', created_at: 1_760_000_000 });
    expect(await world.ask(query('id filename bytes purpose status statusDetails createdAt expiresAt'))).toEqual({
      file: {
        id: 'file-1',
        filename: null,
        bytes: null,
        purpose: 'UNKNOWN',
        status: null,
        statusDetails: null,
        createdAt: 1_760_000_000,
        expiresAt: null,
      },
    });
  });

  it.each([
    ['has no id', { id: undefined }],
    ['is another one', { id: 'file-2' }],
    ['has no creation time', { created_at: null }],
  ])('is UPSTREAM_INVALID_RESPONSE when its body %s', async (_, members) => {
    await using world = await startWorld();
    world.upstream.on('/files/file-1', { ...fileBody('file-1'), ...members });
    const { data, errors } = await world.gateway.query(query('id'));
    expect(data).toEqual({ file: null });
    expect(errors).toMatchObject([{ path: ['file'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it('is null without an error when it does not exist', async () => {
    await using world = await startWorld();
    expect(await world.ask(query('id'))).toEqual({ file: null });
  });

  it('of a job is null without an error when it was deleted, and its id remains', async () => {
    await using world = await startWorld();
    const files = { training_file: 'file-1', validation_file: 'file-2', result_files: ['file-3', 'file-4'] };
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', ...files }));
    world.upstream.onFile(fileBody('file-4'));
    const selection = 'trainingFileId trainingFile { id } validationFile { id } resultFileIds resultFiles { id }';
    expect(await world.ask(`{ fineTuningJob(id: "ftjob-1") { ${selection} } }`)).toEqual({
      fineTuningJob: {
        trainingFileId: 'file-1',
        trainingFile: null,
        validationFile: null,
        resultFileIds: ['file-3', 'file-4'],
        resultFiles: [null, { id: 'file-4' }],
      },
    });
  });
});

describe('files', () => {
  const FILES = [
    fileBody('file-5', { purpose: 'fine-tune-results' }),
    ...['file-4', 'file-3', 'file-2', 'file-1'].map((id) => fileBody(id)),
  ];
  const idsOf = async (world: World, args: string): Promise<unknown> => {
    const { files } = await world.ask(`{ files${args} { edges { node { id } } } }`);
    return (files as { edges: { node: { id: string } }[] }).edges.map(({ node }) => node.id);
  };

  it.each([
    ['omitted', '', ['file-5', 'file-4', 'file-3', 'file-2', 'file-1']],
    ['null', '(order: null)', ['file-5', 'file-4', 'file-3', 'file-2', 'file-1']],
    ['DESC', '(order: DESC)', ['file-5', 'file-4', 'file-3', 'file-2', 'file-1']],
    ['ASC', '(order: ASC)', ['file-1', 'file-2', 'file-3', 'file-4', 'file-5']],
  ])('have the requested order when `order` is %s', async (_, args, ids) => {
    await using world = await startWorld();
    world.upstream.onFiles(FILES);
    expect(await idsOf(world, args)).toEqual(ids);
  });

  it.each([
    ['FINE_TUNE_RESULTS', '(filter: { purpose: FINE_TUNE_RESULTS })', ['file-5']],
    ['null', '(filter: { purpose: null }, first: 2)', ['file-5', 'file-4']],
    ['omitted', '(filter: {}, first: 2)', ['file-5', 'file-4']],
    ['in a filter that is null', '(filter: null, first: 2)', ['file-5', 'file-4']],
  ])('have the requested purpose when it is %s', async (_, args, ids) => {
    await using world = await startWorld();
    world.upstream.onFiles(FILES);
    expect(await idsOf(world, args)).toEqual(ids);
  });

  it('continue after a cursor with the same purpose and order', async () => {
    await using world = await startWorld();
    world.upstream.onFiles(FILES);
    const readPage = async (after: string | null) => {
      const { files } = await world.ask(
        'query ($after: String) { files(first: 3, after: $after, order: ASC, filter: { purpose: FINE_TUNE }) { edges { node { id } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      return files as { edges: unknown[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
    };
    const first = await readPage(null);
    expect(first.edges).toEqual(['file-1', 'file-2', 'file-3'].map((id) => ({ node: { id } })));
    expect(first.pageInfo.hasNextPage).toBe(true);
    expect(await readPage(first.pageInfo.endCursor)).toMatchObject({
      edges: [{ node: { id: 'file-4' } }],
      pageInfo: { hasNextPage: false },
    });
  });

  it('have the requested purpose also from a server that ignores it, and continue after the last file that was read', async () => {
    await using world = await startWorld();
    const files = [fileBody('file-2'), fileBody('file-1', { purpose: 'vision' })];
    world.upstream.on('/files', { data: files, has_more: true });
    const { files: page } = await world.ask(
      '{ files(first: 2, filter: { purpose: FINE_TUNE }) { edges { node { id } } pageInfo { hasNextPage endCursor } } }',
    );
    const endCursor = Buffer.from('file:file-1').toString('base64url');
    expect(page).toEqual({ edges: [{ node: { id: 'file-2' } }], pageInfo: { hasNextPage: true, endCursor } });
  });

  it('reject the purpose UNKNOWN without a call, and name the argument', async () => {
    await using world = await startWorld();
    const { data, errors } = await world.gateway.query('{ files(filter: { purpose: UNKNOWN }) { edges { cursor } } }');
    expect(data).toEqual({ files: null });
    expect(errors).toMatchObject([
      {
        message: 'filter.purpose: is UNKNOWN; expected a known FilePurpose, such as FINE_TUNE.',
        extensions: { code: 'BAD_USER_INPUT', argument: 'filter.purpose' },
      },
    ]);
    expect(world.upstream.calls).toEqual([]);
  });

  it('report an error for each invalid file', async () => {
    await using world = await startWorld();
    world.upstream.on('/files', { data: [fileBody('file-3'), { id: 'file-2' }, null, fileBody('file-1')] });
    const { data, errors } = await world.gateway.query('{ files { edges { node { id } } } }');
    expect(data).toEqual({
      files: { edges: [{ node: { id: 'file-3' } }, { node: null }, { node: null }, { node: { id: 'file-1' } }] },
    });
    expect(errors).toMatchObject(
      [1, 2].map((at) => ({
        path: ['files', 'edges', at, 'node'],
        extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
      })),
    );
  });
});

describe('a preview', () => {
  /** The preview of a file with this content. */
  async function previewOf(content: string | Uint8Array, args = '', members = {}): Promise<unknown> {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1', members));
    world.upstream.onContent('file-1', content);
    const { file } = await world.ask(query(`preview${args} { text isTruncated }`));
    return (file as { preview: unknown }).preview;
  }
  const RESULTS = { purpose: 'fine-tune-results' };
  const CSV = 'step,train_loss\n1,0.5\n2,0.25\n';

  it.each([0, -1, 1_048_577])('is rejected when maxBytes is %i, without reading the content', async (maxBytes) => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1'));
    const { data, errors } = await world.gateway.query(query(`id preview(maxBytes: ${maxBytes}) { text }`));
    expect(data).toEqual({ file: { id: 'file-1', preview: null } });
    expect(errors).toMatchObject([
      {
        message: `maxBytes: is ${maxBytes}; expected an integer from 1 to 1048576, such as 4096.`,
        path: ['file', 'preview'],
        extensions: { code: 'BAD_USER_INPUT', argument: 'maxBytes' },
      },
    ]);
    expect(world.targets()).toEqual(['/files/file-1']);
  });

  it.each([
    ['1', '(maxBytes: 1)', 1],
    ['1048576', '(maxBytes: 1048576)', 1_048_576],
    ['omitted', '', 4096],
    ['null', '(maxBytes: null)', 4096],
  ])('has at most maxBytes bytes: %s', async (_, args, length) => {
    expect(await previewOf('x'.repeat(2_000_000), args)).toEqual({ text: 'x'.repeat(length), isTruncated: true });
  });

  it.each([
    ['shorter', 'abc', false],
    ['equally long', 'abcd', false],
    ['longer', 'abcde', true],
  ])('reports whether a file is longer: %s', async (_, content, isTruncated) => {
    expect(await previewOf(content, '(maxBytes: 4)')).toEqual({ text: content.slice(0, 4), isTruncated });
  });

  it('of an empty file is empty', async () => {
    expect(await previewOf('')).toEqual({ text: '', isTruncated: false });
  });

  it.each([
    [1, 'a'],
    [2, 'a'],
    [3, 'a€'.slice(0, 1)],
    [4, 'a€'],
    [5, 'a€'],
    [7, 'a€'],
    [8, 'a€😀'],
  ])('leaves out an incomplete character at its end: %i bytes', async (maxBytes, text) => {
    expect(await previewOf('a€😀!', `(maxBytes: ${maxBytes})`)).toEqual({ text, isTruncated: true });
  });

  it('has U+FFFD for invalid UTF-8, also at the end of the file', async () => {
    expect(await previewOf(Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82]))).toEqual({
      text: 'a\uFFFDb\uFFFD',
      isTruncated: false,
    });
  });

  it('of a results file is decoded when it is base64', async () => {
    expect(await previewOf(toBase64(CSV), '', RESULTS)).toEqual({ text: CSV, isTruncated: false });
  });

  it('of a results file is unchanged when it is plain text', async () => {
    expect(await previewOf(CSV, '', RESULTS)).toEqual({ text: CSV, isTruncated: false });
  });

  it('of a results file counts the decoded bytes', async () => {
    expect(await previewOf(toBase64(CSV.repeat(100)), '(maxBytes: 20)', RESULTS)).toEqual({
      text: CSV.slice(0, 20),
      isTruncated: true,
    });
    expect(await previewOf(toBase64(CSV), `(maxBytes: ${CSV.length})`, RESULTS)).toEqual({
      text: CSV,
      isTruncated: false,
    });
  });

  it('of another file is unchanged, base64 too', async () => {
    expect(await previewOf(toBase64(CSV))).toEqual({ text: toBase64(CSV), isTruncated: false });
  });

  it('is null without an error when the content was deleted, and the file remains', async () => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1'));
    expect(await world.ask(query('id preview { text }'))).toEqual({ file: { id: 'file-1', preview: null } });
  });

  it('is read again after CACHE_ACTIVE_MS when there was no content', async () => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1', { status: 'pending' }));
    await world.ask(query('preview { text }'));
    world.upstream.onContent('file-1', '{}');
    world.clock.advance(1000);
    expect(await world.ask(query('preview { text }'))).toEqual({ file: { preview: { text: '{}' } } });
  });

  it('aborts the download after the bytes that it needs', async () => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1'));
    const ended = Promise.withResolvers<void>();
    world.upstream.on('/files/file-1/content', (_: IncomingMessage, response: ServerResponse) => {
      response.on('close', ended.resolve);
      response.write('x'.repeat(10_000)); // The response never ends.
    });
    expect(await world.ask(query('preview { isTruncated }'))).toEqual({ file: { preview: { isTruncated: true } } });
    await ended.promise;
  });

  it.each([
    [
      'rejects the request',
      (_: IncomingMessage, response: ServerResponse) => writeResponse(response, 403, {}),
      'UPSTREAM_FORBIDDEN',
    ],
    [
      'closes the connection',
      (_: IncomingMessage, response: ServerResponse) => void response.write('x', () => response.destroy()),
      'UPSTREAM_INVALID_RESPONSE',
    ],
  ])('is an error of its own when the upstream %s', async (_, script, code) => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1'));
    world.upstream.on('/files/file-1/content', script);
    const { data, errors } = await world.gateway.query(query('id preview { text }'));
    expect(data).toEqual({ file: { id: 'file-1', preview: null } });
    expect(errors).toMatchObject([{ path: ['file', 'preview'], extensions: { code } }]);
  });

  describe('does not contain the upstream key', () => {
    const KEY = 'sk-test-0123456789abcdef';
    async function previewWithKey(content: string, maxBytes: number, members = {}, key = KEY): Promise<unknown> {
      await using world = await startWorld({ OPENAI_API_KEY: key });
      world.upstream.onFile(fileBody('file-1', members));
      world.upstream.onContent('file-1', content);
      const { file } = await world.ask(query(`preview(maxBytes: ${maxBytes}) { text }`));
      return (file as { preview: { text: string } }).preview.text;
    }

    it('when the file has it, at every occurrence', async () => {
      expect(await previewWithKey(`a ${KEY} b ${KEY}`, 4096)).toBe('a [credential] b [credential]');
    });

    it('when a results file has it', async () => {
      expect(await previewWithKey(toBase64(`step\n${KEY}\n`), 4096, RESULTS)).toBe('step\n[credential]\n');
    });

    it.each([KEY.length - 1, 8])('when it is truncated after %i characters', async (characters) => {
      expect(await previewWithKey(`a ${KEY} b`, 2 + characters)).toBe('a [credential]');
    });

    it('but does contain a text with the same beginning', async () => {
      expect(await previewWithKey(`a ${KEY.slice(0, 12)} b`, 4096)).toBe(`a ${KEY.slice(0, 12)} b`);
      expect(await previewWithKey(`a ${KEY.slice(0, 12)}`, 4096)).toBe(`a ${KEY.slice(0, 12)}`);
      expect(await previewWithKey(`a ${KEY} b`, 2 + 7)).toBe(`a ${KEY.slice(0, 7)}`);
    });

    it('unless it is too short to be a key', async () => {
      expect(await previewWithKey('none of it', 4096, {}, 'none')).toBe('none of it');
    });
  });
});
