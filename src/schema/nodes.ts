import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';
import { Node } from './node.ts';

const MAX_IDS = 100;

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    description: 'An object by its id alone: a job; null when there is none.',
    args: { id: t.arg.id({ required: true, description: "The upstream's own id." }) },
    resolve: (_, { id }, { loaders }) => loaders.job(id),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: 'Several objects by their ids: jobs, in the same order; null in the place of one that does not exist.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${MAX_IDS} ids.` }) },
    resolve: (_, { ids }, { loaders }) => {
      if (ids.length > MAX_IDS) throw badUserInput('ids', `at most ${MAX_IDS} ids, got ${ids.length}`);
      return ids.map((id) => loaders.job(id));
    },
  }),
}));
