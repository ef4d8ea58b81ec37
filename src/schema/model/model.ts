import { MAX_SINGLE_READS } from '../../request/loaders.ts';
import type { Model as WireModel } from '../../upstream/resources/model.ts';
import type { Page, PageItem } from '../../upstream/resources/page.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, pageRequest, pageSize, unknownCursor } from '../core/connection.ts';
import { batchedCalls, cost } from '../core/field-cost.ts';
import { Node } from '../core/node.ts';

const NOUN = 'model';
const DEFAULT_FIRST = 20;

export const MODEL_COST = cost({ calls: batchedCalls(MAX_SINGLE_READS.models) });

export const Model = builder.objectRef<WireModel>('Model').implement({
  description:
    'A model: a base model, or a fine-tuned one. A fine-tuned model stops working when its base model is shut down.',
  interfaces: [Node],
  fields: (t) => ({
    createdAt: t.field({
      type: 'UnixTimestamp',
      description: 'The time when the model was created. Null when the upstream does not report it.',
      resolve: ({ created }) => created,
    }),
    ownedBy: t.string({
      description:
        'The owner of the model, such as `system` or the name of an organization. Null when the upstream does not report it.',
      resolve: ({ owned_by }) => owned_by,
    }),
    shutdownDate: t.field({
      type: 'Date',
      description:
        'The date when the upstream shuts the model down, such as "2026-10-23". On Azure the date in UTC when its inference ends. Null when none is announced, or when the upstream does not report it.',
      resolve: ({ shutdown_date }) => shutdown_date,
    }),
    isFineTuned: t.boolean({
      nullable: false,
      description:
        'Whether the model was created by fine-tuning. Decided by the format of its id, such as `ft:gpt-4.1-mini-2025-04-14:acme::abc123`.',
      resolve: isFineTuned,
    }),
  }),
});

// `ft:base:org::id`, Azure's `base.ft-hash`, and the legacy `curie:ft-org-date`.
export function isFineTuned({ id }: WireModel): boolean {
  return /^ft:|[.:]ft-/.test(id);
}

const ModelFilter = builder.inputType('ModelFilter', {
  description: 'Selects models. A model has to match all fields that are given.',
  fields: (t) => ({
    isFineTuned: t.boolean({
      description: 'True selects the fine-tuned models, false the other models. By default, and when null, all models.',
    }),
    ownedBy: t.string({
      description:
        'Only models whose `ownedBy` is this string, such as `system`. By default, and when null, the models of all owners.',
    }),
  }),
});

const ModelConnection = connectionOf('Model', Model, 'A page of models, newest first.');

builder.queryFields((t) => ({
  model: t.field({
    type: Model,
    description: 'The model with an id. Null when it does not exist.',
    args: { id: t.arg.id({ required: true, description: 'The id of the model, such as `gpt-4.1-mini`.' }) },
    extensions: MODEL_COST,
    resolve: (_, { id }, { loaders }) => loaders.model(id),
  }),
  models: t.field({
    type: ModelConnection,
    description:
      'The models that the upstream account can use, newest first; models without `createdAt` are last. Costs one upstream call.',
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'older models'),
      filter: t.arg({ type: ModelFilter, description: 'Selects models. By default, and when null, all models.' }),
    },
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (_, { filter, ...args }, { loaders }) => {
      const { limit, after } = pageRequest(NOUN, DEFAULT_FIRST, args);
      const all = newestFirst(await loaders.models()).filter(
        ({ value }) =>
          !value ||
          ((filter?.isFineTuned ?? isFineTuned(value)) === isFineTuned(value) &&
            (filter?.ownedBy ?? value.owned_by) === value.owned_by),
      );
      return { ...pageAfter(all, limit, after), after, noun: NOUN };
    },
  }),
}));

// The upstream returns models in no order. Invalid items come after the valid ones, and items without an id are last.
// The cursor of a model is its sort key, so that it stays valid when the model is deleted.
function newestFirst(items: readonly PageItem<WireModel>[]): PageItem<WireModel>[] {
  const keyed = items.map((item) => (item.id === null ? item : { ...item, id: sortKey(item) }));
  return keyed.sort((a, b) => (a.id === b.id ? 0 : (a.id ?? '') < (b.id ?? '') ? 1 : -1));
}

function sortKey({ id, value }: PageItem<WireModel>): string {
  return value ? `1 ${String(value.created ?? 0).padStart(16, '0')} ${id}` : `0 ${id}`;
}

function pageAfter(all: readonly PageItem<WireModel>[], limit: number, after: string | null): Page<WireModel> {
  if (after !== null && !/^[01] /.test(after)) throw unknownCursor();
  const following = after === null ? all : all.filter(({ id }) => (id ?? '') < after);
  const items = following.slice(0, limit);
  // No page can start after an item without an id, and only such items follow it.
  return { items, hasMore: following.length > limit && items.at(-1)?.id !== null };
}
