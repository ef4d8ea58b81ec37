import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import type { Answer } from '../../kit/gateway/gateway.ts';
import { answer } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

interface Connection {
  edges: { cursor: string; node: { id: string } | null }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  scannedCount?: number;
}
interface List {
  noun: string;
  /** Where the upstream has it. */
  target: string;
  /** The field that shows it, with its arguments. */
  field: string;
  /** Whether the field stands in the job `ftjob-1`. */
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

/** Asks for a page, and gives its field's answer and its errors. */
async function ask(world: World, list: List, first?: number | null, after?: string | null) {
  const selection = `page: ${list.field} { ${PAGE} ${list.noun === 'job' ? 'scannedCount' : ''} }`;
  const field = list.isOfJob ? `job: fineTuningJob(id: "ftjob-1") { ${selection} }` : selection;
  const query = `query ($first: Int, $after: String) { ${field} gateway { version } }`;
  const { data, errors }: Answer = await world.gateway.query(query, { first, after });
  expect(data?.['gateway']).toEqual({ version: expect.any(String) });
  const holder = list.isOfJob ? data?.['job'] : data;
  return { page: (holder as { page: Connection | null }).page, errors };
}

async function pageOf(world: World, list: List, first?: number | null, after?: string | null): Promise<Connection> {
  const { page, errors } = await ask(world, list, first, after);
  expect(errors).toBeUndefined();
  if (!page) throw new Error('no page');
  return page;
}

describe.each(LISTS)('a list of $noun items', (list) => {
  const { noun, target, bodyOf } = list;
  const bodies = (from: number, to: number) => idsFrom(from, to).map(bodyOf);

  it('is walked through by its cursors, none lost, none twice', async () => {
    await using world = await startWith(undefined, list);
    const all = bodies(0, 23);
    if (noun === 'job') world.upstream.onJobs(all);
    else if (noun === 'event') world.upstream.onEvents('ftjob-1', all);
    else if (noun === 'checkpoint') world.upstream.onCheckpoints('ftjob-1', all);
    else world.upstream.onFiles(all);
    const seen: (string | undefined)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage; ) {
      const page: Connection = await pageOf(world, list, 5, after);
      expect(page.pageInfo).toMatchObject({
        hasPreviousPage: false,
        startCursor: page.edges[0]?.cursor,
        endCursor: page.edges.at(-1)?.cursor,
      });
      seen.push(...idsOf(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(seen).toEqual(idsFrom(0, 23));
  });

  it('is cut when the server ignores `limit`, and goes on behind the cut', async () => {
    await using world = await startWith({ object: 'list', data: bodies(0, 10), has_more: false }, list);
    const page = await pageOf(world, list, 4);
    expect(idsOf(page)).toEqual(idsFrom(0, 4));
    expect(page.pageInfo).toMatchObject({ hasNextPage: true, endCursor: cursorOf(noun, 'id-3') });
  });

  it('fails when the server repeats a page for ever, so that no client pages for ever', async () => {
    await using world = await startWith({ object: 'list', data: bodies(0, 3), has_more: true }, list);
    const first = await pageOf(world, list, 3);
    expect(first.pageInfo.hasNextPage).toBe(true);
    const { page, errors } = await ask(world, list, 3, first.pageInfo.endCursor);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 } }]);
  });

  it('has no next page when the server says `has_more` and gives nothing', async () => {
    await using world = await startWith({ object: 'list', data: [], has_more: true }, list);
    expect(await pageOf(world, list)).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  it.each([
    ['full', 5, true],
    ['short', 4, false],
    ['empty', 0, false],
  ])('takes a %s page to mean that there is more, or not, when the server lacks `has_more`', async (_, count, more) => {
    await using world = await startWith({ object: 'list', data: bodies(0, count) }, list);
    expect((await pageOf(world, list, 5)).pageInfo.hasNextPage).toBe(more);
  });

  it('is empty when its data are null', async () => {
    await using world = await startWith({ object: 'list', data: null, has_more: null }, list);
    expect((await pageOf(world, list)).edges).toEqual([]);
  });

  it('gives an item without an id the cursor before it, so that nothing is skipped', async () => {
    await using world = await startWith({ data: [bodyOf('id-0'), {}, { id: 'id-2' }], has_more: true }, list);
    const { page, errors } = await ask(world, list, 3);
    expect(page?.edges).toEqual([
      { cursor: cursorOf(noun, 'id-0'), node: { id: 'id-0' } },
      { cursor: cursorOf(noun, 'id-0'), node: null },
      { cursor: cursorOf(noun, 'id-2'), node: null },
    ]);
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(Array(2).fill('UPSTREAM_INVALID_RESPONSE'));
  });

  it('fails when there is more behind items that all have no id', async () => {
    await using world = await startWith({ data: [{}, {}], has_more: true }, list);
    const { page, errors } = await ask(world, list, 2);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it.each([
    ['has no data', { object: 'list' }],
    ['has data that are no list', { data: { first: 1 } }],
    ['has a text for `has_more`', { data: [], has_more: 'yes' }],
    ['is a list', []],
  ])('is null with UPSTREAM_INVALID_RESPONSE when the answer %s', async (_, body) => {
    await using world = await startWith(body, list);
    const { page, errors } = await ask(world, list);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 } }]);
  });

  it.each([0, -1, 101])('refuses first: %i by its name, without reading', async (first) => {
    await using world = await startWith({ data: [] }, list);
    const { page, errors } = await ask(world, list, first);
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
    ['of another noun', cursorOf('model', 'id-1')],
    ['of nobody', 'x'],
    ['padded', `${cursorOf(noun, 'id-1')}=`],
    ['far too long', cursorOf(noun, 'x'.repeat(1000))],
    ['empty', ''],
  ])('refuses a cursor that is %s, without reading', async (_, after) => {
    await using world = await startWith({ data: [] }, list);
    const { page, errors } = await ask(world, list, 1, after);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'after' } }]);
    expect(world.targets()).not.toContain(target);
  });

  it.each([
    ['400', 400],
    ['404', 404],
  ])('names `after` when the upstream rejects a page behind a cursor by %s', async (_, status) => {
    await using world = await startWith(undefined, list);
    const message = `No such item: ${list.noun}`;
    world.upstream.on(target, (__: unknown, response: ServerResponse) =>
      answer(response, status, { error: { message } }, { 'x-request-id': 'req_1' }),
    );
    const { page, errors } = await ask(world, list, 2, cursorOf(noun, 'id-gone'));
    expect(page).toBeNull();
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /^after: the upstream does not have the item .* start again with the first page, without after\.$/,
        ),
        extensions: { code: 'BAD_USER_INPUT', argument: 'after', upstreamStatus: status, upstreamRequestId: 'req_1' },
      }),
    ]);
    expect(world.gateway.log).toContainEqual(expect.objectContaining({ code: 'UPSTREAM_REJECTED', detail: message }));
  });

  it.each([
    ['400 for a first page', 400, null],
    ['409 behind a cursor', 409, cursorOf(noun, 'id-1')],
  ])('says that the upstream rejected it by %s', async (_, status, after) => {
    await using world = await startWith(undefined, list);
    world.upstream.on(target, (__: unknown, response: ServerResponse) =>
      answer(response, status, { error: { message: 'No.' } }),
    );
    const { errors } = await ask(world, list, 2, after);
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_REJECTED', upstreamStatus: status } }]);
  });

  it.each([
    ['in letters of one byte', 'x'.repeat(512)],
    ['in letters of three', '日'.repeat(512)],
  ])('goes on behind the longest id there can be, %s', async (_, id) => {
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
    ['that is a way up', '../files'],
  ])('has an error in the place of an item with an id %s, and goes on', async (_, id) => {
    const data = [bodyOf('id-1'), bodyOf(id), bodyOf('id-2')];
    await using world = await startWith({ data, has_more: true }, list);
    const { page, errors } = await ask(world, list, 3);
    expect(page?.edges.map(({ node }) => node?.id)).toEqual(['id-1', undefined, 'id-2']);
    expect(page?.edges[1]?.cursor).toBe(page?.edges[0]?.cursor);
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    expect(page?.pageInfo.endCursor).toBe(cursorOf(noun, 'id-2'));
  });

  it.each([2 ** 53, 1e300, -1, -0.5, '1760000000', null])(
    'has an error in the place of an item that was made at %s',
    async (created_at) => {
      const data = [
        { ...bodyOf('id-1'), created_at },
        { ...bodyOf('id-2'), created_at: 2 ** 53 - 1 },
      ];
      await using world = await startWith({ data, has_more: false }, list);
      const selection = `page: ${list.field} { edges { node { id createdAt } } }`;
      const field = list.isOfJob ? `job: fineTuningJob(id: "ftjob-1") { ${selection} }` : selection;
      const { data: answer, errors } = await world.gateway.query(`query ($first: Int, $after: String) { ${field} }`);
      const holder = (list.isOfJob ? answer?.['job'] : answer) as { page: unknown };
      expect(holder.page).toEqual({ edges: [{ node: null }, { node: { id: 'id-2', createdAt: 2 ** 53 - 1 } }] });
      expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    },
  );

  it.each([1, 100])('asks for as many as the client: %i', async (first) => {
    await using world = await startWith({ data: [] }, list);
    await pageOf(world, list, first);
    const { searchParams } = new URL(world.upstream.calls.at(-1)?.target ?? '', 'http://upstream');
    expect(searchParams.get('limit')).toBe(String(first));
    expect(searchParams.has('after')).toBe(false);
  });

  it('asks behind a cursor for what follows the id in it, whatever its form', async () => {
    await using world = await startWith({ data: [] }, list);
    await pageOf(world, list, 3, cursorOf(noun, 'a&b=ü/?#'));
    const { searchParams } = new URL(world.upstream.calls.at(-1)?.target ?? '', 'http://upstream');
    expect(searchParams.get('after')).toBe('a&b=ü/?#');
  });
});

describe('a scan behind a filter', () => {
  const other = (id: string) => jobBody({ id, model: 'another' });
  const some = (ids: readonly string[], wanted: readonly string[]) =>
    ids.map((id) => (wanted.includes(id) ? jobBody({ id }) : other(id)));

  it('walks through all that match by its cursors, none lost, none twice', async () => {
    await using world = await startWith(undefined, SCAN);
    const wanted = idsFrom(0, 450).filter((_, index) => index % 7 === 0);
    world.upstream.onJobs(some(idsFrom(0, 450), wanted));
    const seen: (string | undefined)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage; ) {
      const page: Connection = await pageOf(world, SCAN, 10, after);
      seen.push(...idsOf(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(seen).toEqual(wanted);
  });

  it('reads no more than ten pages, and goes on behind the last job that it has looked at', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.onJobs(some(idsFrom(0, 1050), ['id-1040']));
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

  it('goes on behind the cut when the server ignores `limit`', async () => {
    await using world = await startWith(undefined, SCAN);
    const pages = { '': [0, 150], 'id-99': [100, 150] } as const;
    for (const [after, [from, to]] of Object.entries(pages)) {
      const query = after === '' ? '?limit=100' : `?limit=100&after=${after}`;
      const data = some(idsFrom(from, to), ['id-5', 'id-140']);
      world.upstream.on(`/fine_tuning/jobs${query}`, { object: 'list', data, has_more: false });
    }
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [{ node: { id: 'id-5' } }, { node: { id: 'id-140' } }],
      pageInfo: { hasNextPage: false },
      scannedCount: 150,
    });
  });

  it('believes in a page that is shorter than it has asked for', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.on('/fine_tuning/jobs?limit=100', { data: [other('id-0'), other('id-1')], has_more: true });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=id-1', { data: [jobBody({ id: 'id-2' })], has_more: false });
    expect(await pageOf(world, SCAN)).toMatchObject({ edges: [{ node: { id: 'id-2' } }], scannedCount: 3 });
  });

  it.each([
    ['the same page', () => 0],
    ['two pages in turn', (page: number) => page % 2],
  ])('fails when the server repeats %s for ever', async (_, which) => {
    await using world = await startWith(undefined, SCAN);
    let asked = 0;
    world.upstream.on('/fine_tuning/jobs', (__: unknown, response: ServerResponse) => {
      const from = which(asked++) * 3;
      response.end(JSON.stringify({ data: idsFrom(from, from + 3).map(other), has_more: true }));
    });
    const { page, errors } = await ask(world, SCAN);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ path: ['page'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    expect(world.upstream.calls.length).toBeLessThanOrEqual(3);
  });

  it('ends when the server says `has_more` and gives nothing', async () => {
    await using world = await startWith({ data: [], has_more: true }, SCAN);
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: false, endCursor: null },
      scannedCount: 0,
    });
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('goes on behind full pages, and no further than a short one, when the server lacks `has_more`', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.on('/fine_tuning/jobs?limit=100', { data: some(idsFrom(0, 100), ['id-1']) });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=id-99', { data: some(idsFrom(100, 130), ['id-101']) });
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [{ node: { id: 'id-1' } }, { node: { id: 'id-101' } }],
      pageInfo: { hasNextPage: false },
      scannedCount: 130,
    });
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('passes over jobs that cannot be read, since they cannot match', async () => {
    await using world = await startWith({ data: [{ id: 'id-0' }, {}, jobBody({ id: 'id-2' }), {}] }, SCAN);
    expect(await pageOf(world, SCAN)).toMatchObject({
      edges: [{ node: { id: 'id-2' } }],
      pageInfo: { hasNextPage: false, endCursor: cursorOf('job', 'id-2') },
      scannedCount: 4,
    });
  });

  it('fails as a whole when one of its pages does, so that no job is missed unseen', async () => {
    await using world = await startWith(undefined, SCAN);
    world.upstream.on('/fine_tuning/jobs?limit=100', { data: [jobBody({ id: 'id-0' })], has_more: true });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=id-0', { data: 'none' });
    const { page, errors } = await ask(world, SCAN);
    expect(page).toBeNull();
    expect(errors).toMatchObject([{ path: ['page'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });
});
