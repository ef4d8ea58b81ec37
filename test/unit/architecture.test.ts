import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');

/**
 * The house, from the roof down: one line per floor. A room is a folder, or a file of `src/` itself. A file imports from
 * its own room and from floors below it; rooms of one floor do not know each other. Type imports count.
 */
const FLOORS: readonly (readonly string[])[] = [
  // The process.
  ['main'],
  ['cli', 'terminal'],
  ['app'],
  ['live-secrets', 'audit-trail'],
  ['upstream-target', 'monitoring', 'open-state'],
  ['config'],
  ['config/types'],
  // The sandbox, a house of its own: a REST API that stands in for the real one.
  ['sandbox'],
  ['sandbox/http'],
  ['sandbox/dialects'],
  ['sandbox/routes', 'sandbox/webhooks'],
  ['sandbox/state', 'sandbox/training-file'],
  ['sandbox/seed', 'sandbox/artifacts', 'sandbox/grading'],
  ['sandbox/simulation'],
  ['sandbox/api'],
  // The dashboard, a house of its own: it runs in browsers.
  ['dashboard'],
  ['dashboard/board', 'dashboard/job', 'dashboard/compare', 'dashboard/start'],
  ['dashboard/start/draft', 'dashboard/actions', 'dashboard/chart'],
  ['dashboard/start/upload'],
  ['dashboard/app'],
  ['dashboard/ui'],
  ['dashboard/live'],
  ['dashboard/data'],
  ['dashboard/operations'],
  // HTTP, and the pipeline of one operation.
  ['server'],
  ['server/transports'],
  ['server/upload', 'server/subscriptions', 'server/downloads'],
  ['server/graphql'],
  // The graph: satellites over the hub `job`, the hub over its leaves.
  ['schema'],
  ['schema/checkpoint'],
  ['schema/event', 'schema/metrics'],
  ['schema/job'],
  ['schema/file', 'schema/grader', 'schema/model'],
  // What the graph and the server share.
  ['server/auth', 'server/limits', 'server/graphiql', 'server/dashboard'],
  ['schema/mutation'],
  ['server/http'],
  ['schema/core'],
  // One request: reads, live streams, mutations.
  ['request'],
  ['watch'],
  ['watch/streams', 'watch/shared'],
  ['watch/poll'],
  ['commands'],
  ['commands/idempotency'],
  // The cache.
  ['store'],
  ['store/resources'],
  ['store/cache'],
  // The REST client.
  ['upstream'],
  ['upstream/metrics', 'upstream/requests'],
  ['upstream/resources'],
  ['upstream/lists'],
  ['upstream/http'],
  ['upstream/resilience'],
  ['upstream/credentials'],
  ['upstream/errors'],
  ['upstream/training-data'],
  ['upstream/tokens'],
  // The ground.
  ['upstream/json'],
  ['telemetry/metrics', 'telemetry/traces'],
  ['state/redis'],
  ['state/redis/budget', 'state/redis/counts', 'state/redis/watch'],
  ['state/redis/connection'],
  ['state/memory'],
  ['state'],
  ['secret-watch', 'network'],
  ['telemetry'],
  ['clock', 'memory-cache', 'regular-file', 'version'],
];

const floorOf = new Map(FLOORS.toReversed().flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)));

/** Numbers that keep the house readable. A room with more files has more than one concern. */
const MAX_FILES_PER_ROOM = 20;
const MAX_LINES_PER_FILE = 250;
const MAX_MEDIAN_LINES = 80;

interface Import {
  from: string;
  to: string;
  isType: boolean;
}

const files = globSync('**/*.{ts,tsx}', { cwd: SRC }).map((file) => file.split(sep).join('/'));
const roomOf = (file: string) => (file.includes('/') ? dirname(file) : file.replace(/\.ts$/, ''));
const floorOfFile = (file: string) => floorOf.get(roomOf(file)) ?? Number.NaN;
/** The part of the house, such as `sandbox` for all of its rooms. */
const wingOf = (file: string) => roomOf(file).split('/')[0] ?? '';
const textOf = (file: string) => readFileSync(join(SRC, file), 'utf8');

function importsOf(file: string): Import[] {
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'"]*?(?:from\s+)?'(\.[^']+)'|import\('(\.[^']+)'\)/g;
  return [...textOf(file).matchAll(pattern)].map(([, type, path, lazy]) => {
    const target = relative(SRC, join(SRC, dirname(file), path ?? lazy ?? ''));
    return { from: file, to: target.split(sep).join('/'), isType: Boolean(type) };
  });
}

const imports = files.flatMap(importsOf).filter(({ to }) => /\.tsx?$/.test(to) && !to.startsWith('..'));
const crossing = imports.filter(({ from, to }) => roomOf(from) !== roomOf(to));
const written = ({ from, to }: Import) => `${from} -> ${to}`;

/** The circles of a graph, each as a path. */
function circlesOf(arrows: readonly (readonly [string, string])[]): string[] {
  const next = Map.groupBy(arrows, ([from]) => from);
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, trail: string[]) => {
    if (trail.includes(node)) return void circles.push([...trail.slice(trail.indexOf(node)), node].join(' -> '));
    if (done.has(node)) return;
    for (const [, to] of next.get(node) ?? []) visit(to, [...trail, node]);
    done.add(node);
  };
  for (const node of next.keys()) visit(node, []);
  return circles;
}

describe('the house', () => {
  it('is read: there are files, and imports between rooms', () => {
    expect(files.length).toBeGreaterThan(300);
    expect(crossing.length).toBeGreaterThan(300);
  });

  it('has a floor for every room, and a room for every floor', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual([...floorOf.keys()].sort());
  });

  it('imports from lower floors only, types too', () => {
    const wrong = crossing.filter(({ from, to }) => !(floorOfFile(to) < floorOfFile(from)));
    expect(wrong.map(written)).toEqual([]);
  });

  it('has no circle of files and none of rooms', () => {
    expect(circlesOf(imports.map(({ from, to }) => [from, to]))).toEqual([]);
    expect(circlesOf(crossing.map(({ from, to }) => [roomOf(from), roomOf(to)]))).toEqual([]);
  });

  it('lets the sandbox import the clock, JSON helpers and wire types of the gateway, nothing else', () => {
    const wrong = imports.filter(
      ({ from, to, isType }) =>
        wingOf(from) === 'sandbox' &&
        !['sandbox', 'clock'].includes(wingOf(to)) &&
        roomOf(to) !== 'upstream/json' &&
        !(wingOf(to) === 'upstream' && isType),
    );
    expect(wrong.map(written)).toEqual([]);
  });

  it('lets only upstream-target open the sandbox, and only the configuration read its settings', () => {
    const users = imports.filter(({ from, to }) => wingOf(to) === 'sandbox' && wingOf(from) !== 'sandbox');
    const wrong = users.filter(
      ({ from, to }) =>
        from !== 'upstream-target.ts' && !(from === 'config/sandbox.ts' && to === 'sandbox/settings.ts'),
    );
    expect(wrong.map(written)).toEqual([]);
  });

  it('lets the terminal client import the ground only, and no room import the terminal client', () => {
    const across = imports.filter(({ from, to }) => (wingOf(from) === 'terminal') !== (wingOf(to) === 'terminal'));
    expect(across.filter(({ to }) => !['clock.ts', 'regular-file.ts'].includes(to)).map(written)).toEqual([]);
  });

  it('lets the dashboard import the rules of training files and JSON helpers of the gateway, nothing else', () => {
    const across = imports.filter(({ from, to }) => (wingOf(from) === 'dashboard') !== (wingOf(to) === 'dashboard'));
    const allowed = across.filter(
      ({ from, to }) =>
        ['dashboard/start/draft', 'dashboard/start/upload'].includes(roomOf(from)) && // Pages that are loaded when they are shown.
        ['upstream/training-data', 'upstream/json'].includes(roomOf(to)),
    );
    expect(across.filter((edge) => !allowed.includes(edge)).map(written)).toEqual([]);
    const shared = new Set(allowed.map(({ to }) => to));
    for (const file of shared) for (const { from, to } of imports) if (from === file) shared.add(to);
    // The folders are in the key of the bundle (server/dashboard/build-key.ts), and browsers have no module of Node.
    const rooms = new Set([...shared].map(roomOf));
    expect([...rooms].sort()).toEqual(['upstream/json', 'upstream/training-data']);
    expect([...shared].filter((file) => /'node:|\bBuffer\b|\bprocess\./.test(textOf(file)))).toEqual([]);
  });

  it('lets only app, upstream-target, monitoring and the command line read the configuration', () => {
    const readers = crossing
      .filter(({ from, to }) => wingOf(to) === 'config' && wingOf(from) !== 'config')
      .map(({ from }) => roomOf(from));
    expect([...new Set(readers)].sort()).toEqual(['app', 'cli', 'live-secrets', 'monitoring', 'upstream-target']);
  });

  it('keeps GraphQL out of the upstream, the store and the sandbox', () => {
    const below = files.filter((file) => ['upstream', 'store', 'sandbox'].includes(wingOf(file)));
    expect(below.filter((file) => /from '(graphql|@pothos|graphql-yoga)/.test(textOf(file)))).toEqual([]);
  });

  it('has no room of too many files, no long file, and short files in general', () => {
    const crowded = Map.groupBy(files, roomOf)
      .entries()
      .filter(([, { length }]) => length > MAX_FILES_PER_ROOM);
    expect([...crowded].map(([room]) => room)).toEqual([]);
    const byHand = files.filter((file) => file !== 'dashboard/operations/generated.ts');
    const lengths = byHand.map((file) => textOf(file).split('\n').length).sort((a, b) => a - b);
    expect(lengths.at(-1)).toBeLessThanOrEqual(MAX_LINES_PER_FILE);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(MAX_MEDIAN_LINES);
  });

  it('reads the time of day and the environment in one place each', () => {
    const users = (pattern: RegExp) => files.filter((file) => pattern.test(textOf(file))).sort();
    expect(users(/Date\.now|new Date\(\)|(?<!\.)setTimeout\(|performance\./)).toEqual([
      'clock.ts',
      'dashboard/data/clock.ts',
    ]);
    expect(users(/process\.env/)).toEqual(['cli/token.ts', 'main.ts', 'sandbox/serve.ts', 'terminal/run.ts']);
  });
});
