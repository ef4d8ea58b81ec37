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
      'The job, file or model with an id. Null when it does not exist. The prefix of the id tells the type: `ftjob-`, `file-` or `ft:`. Another id can cost three upstream calls.',
    args: {
      id: t.arg.id({ required: true, description: 'The id of a job, a file or a model, such as `ftjob-abc123`.' }),
    },
    extensions: cost({ calls: (read) => callsFor(read('id')) }),
    resolve: (_, { id }, { loaders }) => find(id, loaders),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description:
      'The jobs, files and models with these ids, in the same order. An item is null when it does not exist. An id without the prefix `ftjob-`, `file-` or `ft:` can cost three upstream calls.',
    args: {
      ids: t.arg.idList({
        required: true,
        description: `The ids of jobs, files and models, at most ${MAX_IDS}, such as \`["ftjob-abc123", "file-abc123"]\`.`,
      }),
    },
    extensions: cost({
      calls: (read) => idsOf(read('ids')).reduce<number>((calls, id) => calls + callsFor(id), 0),
      size: (read) => idsOf(read('ids')).length,
    }),
    resolve: (_, { ids }, { loaders }) => {
      if (ids.length > MAX_IDS) throw badUserInput('ids', `has ${ids.length} ids; expected at most ${MAX_IDS}`);
      return ids.map((id) => find(id, loaders));
    },
  }),
}));

const PREFIXES = { 'ftjob-': 'job', 'file-': 'file', 'ft:': 'model' } as const;
const KINDS = ['job', 'file', 'model'] as const;

const CALLS = { job: 1, file: batchedCalls(MAX_SINGLE_READS.files), model: batchedCalls(MAX_SINGLE_READS.models) };

// The id as the client wrote it, not validated.
function callsFor(id: unknown): number {
  const kind = typeof id === 'string' ? kindOfPrefix(id) : undefined;
  return kind ? CALLS[kind] : CALLS.job + CALLS.file + CALLS.model;
}

// GraphQL coerces a single id to a list.
const idsOf = (ids: unknown): readonly unknown[] => (Array.isArray(ids) ? ids.slice(0, MAX_IDS) : [ids]);

const kindOfPrefix = (id: string) => Object.entries(PREFIXES).find(([prefix]) => id.startsWith(prefix))?.[1];

async function find(id: string, loaders: Loaders): Promise<{ id: string } | null> {
  const kind = kindOfPrefix(id) ?? loaders.kindOf(id);
  if (kind) return loaders[kind](id);
  const rejections: unknown[] = [];
  for (const kind of KINDS) {
    const object = await loaders[kind](id).catch((error) => {
      if (!isRejection(error)) throw error; // Some servers reject an id of another kind instead of answering 404.
      rejections.push(error);
      return null;
    });
    if (object) return object;
  }
  if (rejections.length === KINDS.length) throw rejections[0];
  return null;
}
