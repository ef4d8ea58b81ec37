import { describe, expect, it } from 'vitest';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import {
  EXAMPLES,
  type InputPath,
  idPaths,
  makeWritable,
  mutationDocument,
  withValue,
} from '../../kit/mutation/examples.ts';

/** Ids that cannot exist: the gateway makes no call for them. */
const INVALID_IDS = {
  empty: '',
  'a dot': '.',
  'two dots': '..',
  'a path traversal': '../',
  'a path traversal to another endpoint': '../../files/file-secret',
  'a path traversal after a job': 'ftjob-1/../../files/file-secret',
  'a path traversal with backslashes': '..\\..\\files',
  'encoded dots': '%2e%2e',
  'encoded dots in capitals': '%2E%2E%2Ffiles',
  'dots encoded twice': '%252e%252e%252ffiles',
  'an encoded slash': 'ftjob-1%2Fevents',
  'partly encoded dots': '%2%65%2%65',
  'two dots with a parameter': '..;/files',
  'a newline': 'ftjob-1\nHost: evil',
  'a carriage return': 'ftjob-1\r\n\r\nGET /v1/files HTTP/1.1',
  NUL: 'ftjob-1\0',
  '10,000 characters': 'a'.repeat(10_000),
};

/** Unusual ids that could exist: the gateway calls only their own percent-encoded path. */
const UNUSUAL_IDS = {
  'a question mark': 'ftjob-1?limit=1',
  'a fragment': 'ftjob-1#x',
  'a slash': 'ftjob-1/events',
  'a URL': 'https://evil.example/steal',
  'a URL without a scheme': '//evil.example/steal',
  'a semicolon and an ampersand': 'ftjob-1;a=b&c=d',
  'a space and quotes': 'ftjob 1"\'',
  'letters of other scripts': 'ftjob-日本語',
  'a pictograph': 'ftjob-🏃',
};

const JOBS = '/fine_tuning/jobs/';
/** Each field with an id argument, and the paths that it reads. */
const FIELDS: Record<string, (id: string) => string[]> = {
  fineTuningJob: () => [JOBS],
  file: () => ['/files/'],
  model: () => ['/models/'],
  node: (id) => (id.startsWith('ftjob-') ? [JOBS] : [JOBS, '/files/', '/models/']),
};

describe.each(Object.entries(FIELDS))('%s', (field, paths) => {
  it.each(Object.entries(INVALID_IDS))('is null for %s, without a call', async (_, id) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const result = await gateway.query(`query ($id: ID!) { ${field}(id: $id) { id } }`, { id });
    expect(result).toEqual({ data: { [field]: null } });
    expect(upstream.calls).toEqual([]);
  });

  it.each(Object.entries(UNUSUAL_IDS))('is null for %s, and calls only its own encoded path', async (_, id) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const result = await gateway.query(`query ($id: ID!) { ${field}(id: $id) { id } }`, { id });
    expect(result).toEqual({ data: { [field]: null } });
    const expected = paths(id).map((path) => path + encodeURIComponent(id));
    expect(upstream.calls.map(({ target }) => target)).toEqual(expected);
  });

  it('is null for half a surrogate pair, without a call', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const result = await gateway.query(`{ ${field}(id: "ftjob-\\uD83C") { id } }`);
    // GraphQL rejects it as a literal; as a variable it reaches the resolver.
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_PARSE_FAILED' });
    expect(await gateway.query(`query ($id: ID!) { ${field}(id: $id) { id } }`, { id: 'ftjob-\uD83C' })).toEqual({
      data: { [field]: null },
    });
    expect(upstream.calls).toEqual([]);
  });
});

it.each(Object.entries({ ...INVALID_IDS, ...UNUSUAL_IDS }))(
  'checkTrainingFile is null for %s, and calls only its own encoded path, if any',
  async (_, fileId) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const query = 'query ($fileId: ID!) { checkTrainingFile(fileId: $fileId) { exampleCount } }';
    expect(await gateway.query(query, { fileId })).toEqual({ data: { checkTrainingFile: null } });
    const expected = Object.values(INVALID_IDS).includes(fileId)
      ? []
      : [`/files/${encodeURIComponent(fileId)}/content`];
    expect(upstream.calls.map(({ target }) => target)).toEqual(expected);
  },
);

/** Each member of a mutation's input that is an id. */
const PLACES = Object.keys(EXAMPLES).flatMap((mutation) =>
  idPaths(mutation).map((path): [string, string, InputPath] => [mutation, path.join('.'), path]),
);

describe.each(PLACES)('%s, at %s', (mutation, _, place) => {
  /** A gateway with an upstream that accepts every write. */
  async function start() {
    const upstream = await startUpstream();
    makeWritable(upstream);
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_ADMIN_KEY: 'an-admin-key', ALLOW_MUTATIONS: 'on' };
    const gateway = await startGateway(settings);
    const example = { ...EXAMPLES[mutation]?.input, idempotencyKey: undefined }; // Without a key, each request is a new one.
    return {
      async mutateWith(id: string) {
        const before = upstream.calls.length;
        const { data, errors } = await gateway.query(mutationDocument(mutation), {
          input: withValue(example, place, id),
        });
        expect(errors).toBeUndefined();
        const { __typename: outcome, message } = Object(data?.[mutation]);
        return { outcome, message, targets: upstream.calls.slice(before).map(({ target }) => target) };
      },
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  }

  it('rejects an invalid id with an expectation, without a call', async () => {
    await using world = await start();
    for (const id of [...Object.values(INVALID_IDS), 'ftjob-\uD83C']) {
      const { outcome, message, targets } = await world.mutateWith(id);
      expect(['NotFoundError', 'InvalidInputError']).toContain(outcome);
      expect(message).toMatch(/^[a-z][\w.]*: .*\bexpected /i);
      expect(targets).toEqual([]);
    }
  });

  it('makes the same calls for an unusual id as for any, with the encoded id', async () => {
    await using world = await start();
    const anyId = 'any-id';
    const { targets: usualTargets } = await world.mutateWith(anyId);
    expect(usualTargets).not.toEqual([]);
    for (const id of Object.values(UNUSUAL_IDS)) {
      const { targets } = await world.mutateWith(id);
      expect(targets).toEqual(usualTargets.map((target) => target.replace(anyId, encodeURIComponent(id))));
    }
  });
});

describe('a hostile cursor', () => {
  const asCursor = (id: string) => Buffer.from(`job:${id}`).toString('base64url');

  it('reaches the upstream as one encoded value of `after`', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJobs([]);
    await gateway.query('query ($after: String) { fineTuningJobs(after: $after) { edges { cursor } } }', {
      after: asCursor('x&limit=9999#../../files'),
    });
    expect(upstream.calls.map(({ target }) => target)).toEqual([
      '/fine_tuning/jobs?limit=20&after=x%26limit%3D9999%23..%2F..%2Ffiles',
    ]);
  });

  it.each([
    ['of another list', Buffer.from('file:file-1').toString('base64url')],
    ['that is an id', 'ftjob-1'],
    ['that is not base64', '*'],
    ['that is empty', ''],
    ['of 10,000 characters', asCursor('a'.repeat(10_000))],
  ])('%s is BAD_USER_INPUT that names the argument, without a call', async (_, after) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const { errors } = await gateway.query(
      'query ($after: String) { fineTuningJobs(after: $after) { edges { cursor } } }',
      { after },
    );
    expect(errors?.[0]).toMatchObject({
      message:
        'after: is not a cursor of this list; expected endCursor of a page of the same list with the same filter.',
      extensions: { code: 'BAD_USER_INPUT', argument: 'after' },
    });
    expect(upstream.calls).toEqual([]);
  });
});
