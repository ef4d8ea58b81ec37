import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import type { GraphqlResponse } from '../../kit/gateway/gateway.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

interface Connection {
  edges: { cursor: string; node: { id: string } | null }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  scannedCount?: number;
}
interface List {
  noun: string;
  /** The path of the list upstream. */
  target: string;
  /** The GraphQL field with its arguments. */
  field: string;
  /** Whether the field belongs to the job `ftjob-1`. */
  isOfJob: boolean;
  bodyOf: (id: string) => { id: string };
}

const PAGE = 'edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const ARGS = 'first: $first, after: $after';
const LISTS: List[] = [
  {
    noun: 'job',
    target: '/fine_tuning/jobs',
    field: `fineTuningJobs(${ARGS})`,
    isOfJob: false,
    bodyOf: (id) => jobBody({ id }),
  },
  {
    noun: 'event',
    target: '/fine_tuning/jobs/ftjob-1/events',
    field: `events(${ARGS})`,
    isOfJob: true,
    bodyOf: (id) => eventBody(id),
  },
  {
    noun: 'checkpoint',
    target: '/fine_tuning/jobs/ftjob-1/checkpoints',
    field: `checkpoints(${ARGS})`,
    isOfJob: true,
    bodyOf: (id) => checkpointBody(id),
  },
  { noun: 'file', target: '/files', field: `files(${ARGS})`, isOfJob: false, bodyOf: (id) => fileBody(id) },
];
const SCAN: List = {
  noun: 'job',
  target: '/fine_tuning/jobs',
  field: `fineTuningJobs(${ARGS}, filter: { modelIds: ["gpt-4.1-mini-2025-04-14"] })`,
  isOfJob: false,
  bodyOf: (id) => jobBody({ id }),
};

const cursorOf = (noun: string, id: string) => Buffer.from(`${noun}:${id}`).toString('base64url');
const idsFrom = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `id-${from + index}`);
const idsOf = ({ edges }: Connection) => edges.map(({ node }) => node?.id);

async function startWith(body: unknown, { target, isOfJob }: List): Promise<World> {
  const world = await startWorld();
  if (isOfJob) world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  if (body !== undefined) world.upstream.on(target, body);
  return world;
}

/** Queries a page. Returns the value of its field and the errors. */
async function queryPage(world: World, list: List, first?: number | null, after?: string | null) {
  const selection = `page: ${list.field} { ${PAGE} ${list.noun === 'job' ? 'scannedCount' : ''} }`;
  const field = list.isOfJob ? `job: fineTuningJob(id: "ftjob-1") { ${selection} }` : selection;
  const query = `query ($first: Int, $after: String) { ${field} gateway { version } }`;
  const { data, errors }: GraphqlResponse = await world.gateway.query(query, { first, after });
  expect(data?.['gateway']).toEqual({ version: expect.any(String) });
  const parent = list.isOfJob ? data?.['job'] : data;
  return { page: (parent as { page: Connection | null }).page, errors };
}

async function pageOf(world: World, list: List, first?: number | null, after?: string | null): Promise<Connection> {
  const { page, errors } = await queryPage(world, list, first, after);
  expect(errors).toBeUndefined();
  if (!page) throw new Error('no page');
  return page;
}

describe.each(LISTS)('a list of $noun items', (list) => {
  const { noun, target, bodyOf } = list;
  const bodies = (from: number, to: number) => idsFrom(from, to).map(bodyOf);

  it('returns every item once when a client follows its cursors', async () => {
    await using world = await startWith(undefined, list);
    const all = bodies(0, 23);
    if (noun === 'job') world.upstream.onJobs(all);
    else if (noun === 'event') world.upstream.onEvents('ftjob-1', all);
    else if (noun === 'checkpoint') world.upstream.onCheckpoints('ftjob-1', all);
    else world.upstream.onFiles(all);
    const ids: (string | undefined)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage; ) {
      const page: Connection = await pageOf(world, list, 5, after);
      expect(page.pageInfo).toMatchObject({
        hasPreviousPage: false,
        startCursor: page.edges[0]?.cursor,
        endCursor: page.edges.at(-1)?.cursor,
      });
      ids.push(...idsOf(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(ids).toEqual(idsFrom(0, 23));
  });

  it('is truncated when the server ignores `limit`, and continues after the last returned item', async () => {
    await using world = await startWith({ object: 'list', data: bodies(0, 10), has_more: false }, list);
    const page = await pageOf(world, list, 4);
    expect(idsOf(page)).toEqual(idsFrom(0, 4));
    expect(page.pageInfo).toMatchObject({ hasNextPage: true, endCursor: cursorOf(noun, 'id-3') });
  });

  it('fails when the server repeats a page, so that no client pages endlessly', async () => {
    await using world = await startWith({ object: 'list', data: bodies(0, 3), has_more: true }, list);
    const first = await pageOf(world, list, 3);
    expect(first.pageInfo.hasNextPage).toBe(true);
    const { page, errors } = await queryPage(world, list, 3, first.pageInfo.endCursor);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 } }]);
  });

  it('has no next page when the server returns `has_more` with an empty page', async () => {
    await using world = await startWith({ object: 'list', data: [], has_more: true }, list);
    expect(await pageOf(world, list)).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  it.each([
    ['full', 10, true],
    ['short', 9, false],
    ['empty', 0, false],
  ])('derives hasNextPage from a %s page when the server sends no `has_more`', async (_, count, hasNextPage) => {
    await using world = await startWith({ object: 'list', data: bodies(0, count) }, list);
    expect((await pageOf(world, list, 10)).pageInfo.hasNextPage).toBe(hasNextPage);
  });

  it('is empty when its data is null', async () => {
    await using world = await startWith({ object: 'list', data: null, has_more: null }, list);
    expect((await pageOf(world, list)).edges).toEqual([]);
  });

  it('gives an item without an id the previous cursor, so that no item is skipped', async () => {
    await using world = await startWith({ data: [bodyOf('id-0'), {}, { id: 'id-2' }], has_more: true }, list);
    const { page, errors } = await queryPage(world, list, 3);
    expect(page?.edges).toEqual([
      { cursor: cursorOf(noun, 'id-0'), node: { id: 'id-0' } },
      { cursor: cursorOf(noun, 'id-0'), node: null },
      { cursor: cursorOf(noun, 'id-2'), node: null },
    ]);
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(Array(2).fill('UPSTREAM_INVALID_RESPONSE'));
  });

  it('fails when a page of items without ids has a next page', async () => {
    await using world = await startWith({ data: [{}, {}], has_more: true }, list);
    const { page, errors } = await queryPage(world, list, 2);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it.each([
    ['has no data', { object: 'list' }],
    ['has data that is not a list', { data: { first: 1 } }],
    ['has a string as `has_more`', { data: [], has_more: 'yes' }],
    ['is a list', []],
  ])('is null with UPSTREAM_INVALID_RESPONSE when the response %s', async (_, body) => {
    await using world = await startWith(body, list);
    const { page, errors } = await queryPage(world, list);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 } }]);
  });

  it.each([0, -1, 101])('rejects first: %i by its name, without a call', async (first) => {
    await using world = await startWith({ data: [] }, list);
    const { page, errors } = await queryPage(world, list, first);
    expect(page).toBeNull();
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(`^first: is ${first}; expected an integer from 1 to 100, such as \\d+\\.$`),
        extensions: { code: 'BAD_USER_INPUT', argument: 'first' },
      },
    ]);
    expect(world.targets()).not.toContain(target);
  });

  it.each([
    ['of another list', cursorOf('model', 'id-1')],
    ['not a cursor', 'x'],
    ['padded', `${cursorOf(noun, 'id-1')}=`],
    ['too long', cursorOf(noun, 'x'.repeat(1000))],
    ['empty', ''],
  ])('rejects a cursor that is %s, without a call', async (_, after) => {
    await using world = await startWith({ data: [] }, list);
    const { page, errors } = await queryPage(world, list, 1, after);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'after' } }]);
    expect(world.targets()).not.toContain(target);
  });

  it.each([
    ['400', 400],
    ['404', 404],
  ])('names `after` when the upstream rejects a page after a cursor with %s', async (_, status) => {
    await using world = await startWith(undefined, list);
    const message = `No such item: ${list.noun}`;
    world.upstream.on(target, (__: unknown, response: ServerResponse) =>
      writeResponse(response, status, { error: { message } }, { 'x-request-id': 'req_1' }),
    );
    const { page, errors } = await queryPage(world, list, 2, cursorOf(noun, 'id-gone'));
    expect(page).toBeNull();
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /^after: is the cursor of an item that the upstream does not have any more; start again with the first page, without after\.$/,
        ),
        extensions: { code: 'BAD_USER_INPUT', argument: 'after', upstreamStatus: status, upstreamRequestId: 'req_1' },
      }),
    ]);
    expect(world.gateway.log).toContainEqual(expect.objectContaining({ code: 'UPSTREAM_REJECTED', detail: message }));
  });

  it.each([
    ['400 for a first page', 400, null],
    ['409 after a cursor', 409, cursorOf(noun, 'id-1')],
  ])('reports UPSTREAM_REJECTED for %s', async (_, status, after) => {
    await using world = await startWith(undefined, list);
    world.upstream.on(target, (__: unknown, response: ServerResponse) =>
      writeResponse(response, status, { error: { message: 'No.' } }),
    );
    const { errors } = await queryPage(world, list, 2, after);
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_REJECTED', upstreamStatus: status } }]);
  });

  it.each([
    ['in characters of one byte', 'x'.repeat(512)],
    ['in characters of three bytes', '日'.repeat(512)],
  ])('continues after an id of the maximum length, %s', async (_, id) => {
    await using world = await startWith({ data: [bodyOf(id)], has_more: true }, list);
    const { edges, pageInfo } = await pageOf(world, list, 1);
    expect(edges).toMatchObject([{ node: { id } }]);
    world.upstream.on(target, { data: [bodyOf('id-2')], has_more: false });
    expect((await pageOf(world, list, 1, pageInfo.endCursor)).edges).toMatchObject([{ node: { id: 'id-2' } }]);
    expect(new URL(world.upstream.calls.at(-1)?.target ?? '', 'http://upstream').searchParams.get('after')).toBe(id);
  });

  it.each([
    ['of 513 characters', 'x'.repeat(513)],
    ['of 100,000 characters', 'x'.repeat(100_000)],
    ['with half a surrogate pair', 'id-\uD83C'],
    ['with a NUL', 'id-\0'],
    ['that traverses the path', '../files'],
  ])('has an error in the place of an item with an id %s, and continues', async (_, id) => {
    const data = [bodyOf('id-1'), bodyOf(id), bodyOf('id-2')];
    await using world = await startWith({ data, has_more: true }, list);
    const { page, errors } = await queryPage(world, list, 3);
    expect(page?.edges.map(({ node }) => node?.id)).toEqual(['id-1', undefined, 'id-2']);
    expect(page?.edges[1]?.cursor).toBe(page?.edges[0]?.cursor);
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    expect(page?.pageInfo.endCursor).toBe(cursorOf(noun, 'id-2'));
  });

  it.each([2 ** 53, 1e300, 1e11, 1e13, -1, -0.5, 'yesterday', '20260723', null])(
    'has an error in the place of an item with created_at %s',
    async (created_at) => {
      const data = [
        { ...bodyOf('id-1'), created_at },
        { ...bodyOf('id-2'), created_at: 99_999_999_999 },
      ];
      await using world = await startWith({ data, has_more: false }, list);
      const selection = `page: ${list.field} { edges { node { id createdAt } } }`;
      const field = list.isOfJob ? `job: fineTuningJob(id: "ftjob-1") { ${selection} }` : selection;
      const { data: result, errors } = await world.gateway.query(`query ($first: Int, $after: String) { ${field} }`);
      const parent = (list.isOfJob ? result?.['job'] : result) as { page: unknown };
      expect(parent.page).toEqual({ edges: [{ node: null }, { node: { id: 'id-2', createdAt: 99_999_999_999 } }] });
      expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    },
  );

  it('passes `first` on as `limit`, and requests ten items or more until the order of the list is known', async () => {
    const isNewest = (index: number) => ({ created_at: 1_760_000_009 - index });
    const data = idsFrom(0, 10).map((id, index) => ({ ...bodyOf(id), ...isNewest(index) }));
    await using world = await startWith({ data, has_more: true }, list);
    const limits: (string | null)[] = [];
    for (const first of [100, 1, 1]) {
      world.clock.advance(60_000);
      world.upstream.on(target, first === 100 ? { data: [] } : { data, has_more: true });
      expect(idsOf(await pageOf(world, list, first))).toEqual(first === 100 ? [] : ['id-0']);
      const { searchParams } = new URL(world.upstream.calls.at(-1)?.target ?? '', 'http://upstream');
      limits.push(searchParams.get('limit'));
      expect(searchParams.has('after')).toBe(false);
    }
    expect(limits).toEqual(['100', '10', '1']);
  });

  it('passes the id of a cursor on as `after`, with any characters', async () => {
    await using world = await startWith({ data: [] }, list);
    await pageOf(world, list, 3, cursorOf(noun, 'a&b=ü/?#'));
    const { searchParams } = new URL(world.upstream.calls.at(-1)?.target ?? '', 'http://upstream');
    expect(searchParams.get('after')).toBe('a&b=ü/?#');
  });
});

describe('a filtered scan', () => {
  const other = (id: string) => jobBody({ id, model: 'another' });
  const jobsWith = (ids: readonly string[], matching: readonly string[]) =>
    ids.map((id) => (matching.includes(id) ? jobBody({ id }) : other(id)));

  it('returns every matching job once when a client follows its cursors', async () => {
    await using world = await startWith(undefined, SCAN);
    const matching = idsFrom(0, 450).filter((_, index) => index % 7 === 0);
    world.upstream.onJobs(jobsWith(idsFrom(0, 450), matching));
    const ids: (string | undefined)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage; ) {
      const page: Connection = await pageOf(world, SCAN, 10, after);
      ids.push(...idsOf(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(ids).toEqual(matching);
  });

  it('reads at most ten pages, and continues after the last scanned job', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.onJobs(jobsWith(idsFrom(0, 1050), ['id-1040']));
    const first = await pageOf(world, SCAN, 5);
    expect(first).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: true, startCursor: null, endCursor: cursorOf('job', 'id-999') },
      scannedCount: 1000,
    });
    expect(world.upstream.calls).toHaveLength(10);
    expect(await pageOf(world, SCAN, 5, first.pageInfo.endCursor)).toMatchObject({
      edges: [{ node: { id: 'id-1040' } }],
      pageInfo: { hasNextPage: false, endCursor: cursorOf('job', 'id-1049') },
      scannedCount: 50,
    });
  });

  it('continues after the last returned job when the server ignores `limit`', async () => {
    await using world = await startWith(undefined, SCAN);
    const pages = { '': [0, 150], 'id-99': [100, 150] } as const;
    for (const [after, [from, to]] of Object.entries(pages)) {
      const query = after === '' ? '?limit=100' : `?limit=100&after=${after}`;
      const data = jobsWith(idsFrom(from, to), ['id-5', 'id-140']);
      world.upstream.on(`/fine_tuning/jobs${query}`, { object: 'list', data, has_more: false });
    }
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [{ node: { id: 'id-5' } }, { node: { id: 'id-140' } }],
      pageInfo: { hasNextPage: false },
      scannedCount: 150,
    });
  });

  it('continues after a page that is shorter than its limit', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.on('/fine_tuning/jobs?limit=100', { data: [other('id-0'), other('id-1')], has_more: true });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=id-1', { data: [jobBody({ id: 'id-2' })], has_more: false });
    expect(await pageOf(world, SCAN)).toMatchObject({ edges: [{ node: { id: 'id-2' } }], scannedCount: 3 });
  });

  it.each([
    ['the same page', () => 0],
    ['two pages alternately', (page: number) => page % 2],
  ])('fails when the server repeats %s', async (_, pageAt) => {
    await using world = await startWith(undefined, SCAN);
    let calls = 0;
    world.upstream.on('/fine_tuning/jobs', (__: unknown, response: ServerResponse) => {
      const from = pageAt(calls++) * 3;
      response.end(JSON.stringify({ data: idsFrom(from, from + 3).map(other), has_more: true }));
    });
    const { page, errors } = await queryPage(world, SCAN);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ path: ['page'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    expect(world.upstream.calls.length).toBeLessThanOrEqual(3);
  });

  it('ends when the server returns `has_more` with an empty page', async () => {
    await using world = await startWith({ data: [], has_more: true }, SCAN);
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: false, endCursor: null },
      scannedCount: 0,
    });
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('continues after full pages and ends at a short one when the server sends no `has_more`', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.on('/fine_tuning/jobs?limit=100', { data: jobsWith(idsFrom(0, 100), ['id-1']) });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=id-99', { data: jobsWith(idsFrom(100, 130), ['id-101']) });
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [{ node: { id: 'id-1' } }, { node: { id: 'id-101' } }],
      pageInfo: { hasNextPage: false },
      scannedCount: 130,
    });
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('skips invalid jobs, which cannot match', async () => {
    await using world = await startWith({ data: [{ id: 'id-0' }, {}, jobBody({ id: 'id-2' }), {}] }, SCAN);
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [{ node: { id: 'id-2' } }],
      pageInfo: { hasNextPage: false, endCursor: cursorOf('job', 'id-2') },
      scannedCount: 4,
    });
  });

  it('fails completely when one of its pages fails, so that no job is missed silently', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.on('/fine_tuning/jobs?limit=100', { data: [jobBody({ id: 'id-0' })], has_more: true });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=id-0', { data: 'none' });
    const { page, errors } = await queryPage(world, SCAN);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ path: ['page'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });
});
