import { type Loaders, MAX_SINGLE_READS } from '../request/loaders.ts';
import { isRejection } from '../upstream/errors/upstream-error.ts';
import { builder } from './core/builder.ts';
import { badUserInput } from './core/errors.ts';
import { batchedCalls, cost } from './core/field-cost.ts';
import { Node } from './core/node.ts';

const MAX_IDS = 100;

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    description:
      'An object by its id alone: a job, a file or a model; null when there is none. What an id without a known form stands for is looked for by up to three upstream calls.',
    args: { id: t.arg.id({ required: true, description: "The upstream's own id." }) },
    extensions: cost({ calls: (read) => callsFor(read('id')) }),
    resolve: (_, { id }, { loaders }) => find(id, loaders),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description:
      'Several objects by their ids, in the same order; null in the place of one that does not exist. Each id without a known form can cost three upstream calls.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${MAX_IDS} ids.` }) },
    extensions: cost({
      calls: (read) => idsOf(read('ids')).reduce<number>((calls, id) => calls + callsFor(id), 0),
      size: (read) => idsOf(read('ids')).length,
    }),
    resolve: (_, { ids }, { loaders }) => {
      if (ids.length > MAX_IDS) throw badUserInput('ids', `at most ${MAX_IDS} ids, got ${ids.length}`);
      return ids.map((id) => find(id, loaders));
    },
  }),
}));

const PREFIXES = { 'ftjob-': 'job', 'file-': 'file', 'ft:': 'model' } as const;
const KINDS = ['job', 'file', 'model'] as const;

const CALLS = { job: 1, file: batchedCalls(MAX_SINGLE_READS.files), model: batchedCalls(MAX_SINGLE_READS.models) };

// As clients give it, checked by nobody.
function callsFor(id: unknown): number {
  const kind = typeof id === 'string' ? prefixKind(id) : undefined;
  return kind ? CALLS[kind] : CALLS.job + CALLS.file + CALLS.model;
}

// One id stands for a list of one.
const idsOf = (ids: unknown): readonly unknown[] => (Array.isArray(ids) ? ids.slice(0, MAX_IDS) : [ids]);

const prefixKind = (id: string) => Object.entries(PREFIXES).find(([prefix]) => id.startsWith(prefix))?.[1];

async function find(id: string, loaders: Loaders): Promise<{ id: string } | null> {
  const kind = prefixKind(id) ?? loaders.kindOf(id);
  if (kind) return loaders[kind](id);
  const refusals: unknown[] = [];
  for (const kind of KINDS) {
    const thing = await loaders[kind](id).catch((error) => {
      if (!isRejection(error)) throw error; // To an id of another form servers may answer that it is wrong.
      refusals.push(error);
      return null;
    });
    if (thing) return thing;
  }
  if (refusals.length === KINDS.length) throw refusals[0];
  return null;
}
