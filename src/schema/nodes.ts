import type { Loaders } from '../loaders.ts';
import { isRefusal } from '../upstream/errors.ts';
import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';
import { Node } from './node.ts';

const MAX_IDS = 100;

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    description:
      'An object by its id alone: a job, a file or a model; null when there is none. What an id without a known form stands for is looked for by up to three upstream calls.',
    args: { id: t.arg.id({ required: true, description: "The upstream's own id." }) },
    resolve: (_, { id }, { loaders }) => find(id, loaders),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description:
      'Several objects by their ids, in the same order; null in the place of one that does not exist. Each id without a known form can cost three upstream calls.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${MAX_IDS} ids.` }) },
    resolve: (_, { ids }, { loaders }) => {
      if (ids.length > MAX_IDS) throw badUserInput('ids', `at most ${MAX_IDS} ids, got ${ids.length}`);
      return ids.map((id) => find(id, loaders));
    },
  }),
}));

const PREFIXES = { 'ftjob-': 'job', 'file-': 'file', 'ft:': 'model' } as const;
const KINDS = ['job', 'file', 'model'] as const;

async function find(id: string, loaders: Loaders): Promise<{ id: string } | null> {
  const [, known] = Object.entries(PREFIXES).find(([prefix]) => id.startsWith(prefix)) ?? [];
  const kind = known ?? loaders.kindOf(id);
  if (kind) return loaders[kind](id);
  const refusals: unknown[] = [];
  for (const kind of KINDS) {
    const thing = await loaders[kind](id).catch((error) => {
      if (!isRefusal(error)) throw error; // To an id of another form servers may answer that it is wrong.
      refusals.push(error);
      return null;
    });
    if (thing) return thing;
  }
  if (refusals.length === KINDS.length) throw refusals[0];
  return null;
}
