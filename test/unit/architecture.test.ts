import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');

/** What stands on which floor: a folder, or a file beside them. Imports go down only, never sideways between folders. */
const FLOORS: Record<string, number> = {
  clock: -1,
  garbage: 5.5,
  viewer: -1,
  setting: -1,
  upstream: 0,
  store: 1,
  loaders: 2,
  creation: 1.5,
  changes: 2,
  'daily-caps': 1,
  'mutation-policy': 2,
  watch: 2,
  context: 3,
  schema: 3.5,
  server: 4,
  sandbox: 4.5,
  target: 4.7,
  auth: 4.7,
  config: 4.75,
  app: 5,
  manual: 5.5,
  check: 5.5,
  main: 6,
  token: 6,
  picture: 6,
};

interface Import {
  from: string;
  to: string;
  isType: boolean;
}

const files = globSync('**/*.ts', { cwd: SRC }).map((file) => file.split(sep).join('/'));
const room = (file: string) => (file.split('/')[0] ?? '').replace(/\.ts$/, '');

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'"]*?(?:from\s+)?'(\.[^']+)'|import\('(\.[^']+)'\)/g;
  return [...text.matchAll(pattern)].map(([, type, path, lazy]) => {
    const target = relative(SRC, join(SRC, dirname(file), path ?? lazy ?? ''))
      .split(sep)
      .join('/');
    return { from: file, to: target, isType: Boolean(type) };
  });
}

const imports = files.flatMap(importsOf).filter(({ to }) => to.endsWith('.ts') && !to.startsWith('..'));
const written = ({ from, to }: Import) => `${from} -> ${to}`;

describe('the house', () => {
  it('is read: there are files, and imports between folders', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(imports.filter(({ from, to }) => room(from) !== room(to)).length).toBeGreaterThan(20);
  });

  it('knows the floor of every folder and file', () => {
    expect([...new Set(files.map(room))].filter((name) => FLOORS[name] === undefined)).toEqual([]);
  });

  it('imports go down only, type imports too', () => {
    const floor = (file: string) => FLOORS[room(file)] ?? Number.NaN;
    const wrong = imports.filter(({ from, to }) => room(from) !== room(to) && !(floor(to) < floor(from)));
    expect(wrong.map(written)).toEqual([]);
  });

  it('lets the sandbox know nothing of the gateway but the clock and the wire types', () => {
    const wrong = imports.filter(
      ({ from, to, isType }) =>
        room(from) === 'sandbox' && !['sandbox', 'clock'].includes(room(to)) && !(room(to) === 'upstream' && isType),
    );
    expect(wrong.map(written)).toEqual([]);
  });

  it('lets only the app and the tests know the sandbox, and the configuration its settings', () => {
    const users = imports.filter(({ from, to }) => room(to) === 'sandbox' && room(from) !== 'sandbox');
    const wrong = users.filter(
      ({ from, to }) => from !== 'app.ts' && !(from === 'target.ts' && to === 'sandbox/settings.ts'),
    );
    expect(wrong.map(written)).toEqual([]);
  });

  it('lets the picture know nothing of the gateway but the clock, and nobody the picture', () => {
    const across = imports.filter(({ from, to }) => (room(from) === 'picture') !== (room(to) === 'picture'));
    const wrong = across.filter(
      ({ from, to }) => room(to) === 'picture' || (room(from) === 'picture' && to !== 'clock.ts'),
    );
    expect(wrong.map(written)).toEqual([]);
  });

  it('lets only main, its manual, its check and the app read the configuration', () => {
    const readers = imports.filter(({ to }) => to === 'config.ts').map(({ from }) => from);
    expect(readers.filter((file) => !['main.ts', 'manual.ts', 'app.ts', 'check.ts'].includes(file))).toEqual([]);
  });

  it('keeps GraphQL out of the upstream and the store', () => {
    const below = files.filter((file) => ['upstream', 'store', 'sandbox'].includes(room(file)));
    expect(
      below.filter((file) => /from '(graphql|@pothos|graphql-yoga)/.test(readFileSync(join(SRC, file), 'utf8'))),
    ).toEqual([]);
  });

  it('lets a satellite import the hub of the schema, and never the hub a satellite', () => {
    const leaves = [
      'builder',
      'scalars',
      'errors',
      'open-enum',
      'connection',
      'node',
      'status',
      'hyperparameters',
      'method',
      'grader',
      'integration',
      'metadata',
      'file',
      'model',
      'job-filter',
      'price',
    ];
    const hub = imports.filter(({ from, to }) => from === 'schema/job.ts' && room(to) === 'schema');
    expect(hub.map(({ to }) => to).filter((to) => !leaves.some((leaf) => to === `schema/${leaf}.ts`))).toEqual([]);
  });

  it('has no circle of imports, type imports included', () => {
    const next = Map.groupBy(imports, ({ from }) => from);
    const circles: string[] = [];
    const visit = (file: string, trail: string[]) => {
      if (trail.includes(file)) return void circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      if (done.has(file)) return;
      for (const { to } of next.get(file) ?? []) visit(to, [...trail, file]);
      done.add(file);
    };
    const done = new Set<string>();
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('has no file above 250 lines, and half of them at most 80', () => {
    const lengths = files.map((file) => readFileSync(join(SRC, file), 'utf8').split('\n').length).sort((a, b) => a - b);
    expect(lengths.at(-1)).toBeLessThanOrEqual(250);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(80);
  });

  it('reads the time of day and the environment in one place each', () => {
    const users = (pattern: RegExp) => files.filter((file) => pattern.test(readFileSync(join(SRC, file), 'utf8')));
    expect(users(/Date\.now|new Date\(\)|(?<!\.)setTimeout\(|performance\./)).toEqual(['clock.ts']);
    expect(users(/process\.env/).sort()).toEqual(['main.ts', 'picture/run.ts', 'sandbox/serve.ts', 'token.ts']);
  });
});
