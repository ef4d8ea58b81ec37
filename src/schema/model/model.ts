import { MAX_SINGLE_READS } from '../../request/loaders.ts';
import type { Model as WireModel } from '../../upstream/resources/model.ts';
import type { Page, PageItem } from '../../upstream/resources/page.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, pageRequest, pageSize } from '../core/connection.ts';
import { badUserInput } from '../core/errors.ts';
import { batchedCalls, cost } from '../core/field-cost.ts';
import { Node } from '../core/node.ts';

const NOUN = 'model';
const DEFAULT_FIRST = 20;

export const MODEL_COST = cost({ calls: batchedCalls(MAX_SINGLE_READS.models) });

export const Model = builder.objectRef<WireModel>('Model').implement({
  description:
    'A model that can be used, or trained on. A fine-tuned one stops answering when its base model is shut down.',
  interfaces: [Node],
  fields: (t) => ({
    createdAt: t.field({
      type: 'UnixTimestamp',
      description: 'When it was made; null when the upstream does not tell.',
      resolve: ({ created }) => created,
    }),
    ownedBy: t.string({
      description: 'The organisation that owns it, as the upstream writes it; null when it does not tell.',
      resolve: ({ owned_by }) => owned_by,
    }),
    shutdownDate: t.field({
      type: 'Date',
      description: 'The day from which it does not answer any more; null when none is announced.',
      resolve: ({ shutdown_date }) => shutdown_date,
    }),
    isFineTuned: t.boolean({
      nullable: false,
      description: 'Whether fine-tuning has made it, by the form of its name.',
      resolve: isFineTuned,
    }),
  }),
});

// `ft:base:org::id`, Azure's `base.ft-hash`, and of old `curie:ft-org-date`.
function isFineTuned({ id }: WireModel): boolean {
  return /^ft:|[.:]ft-/.test(id);
}

const ModelFilter = builder.inputType('ModelFilter', {
  description: 'Which models; all members that are given have to fit.',
  fields: (t) => ({
    isFineTuned: t.boolean({ description: 'Only those that fine-tuning has made, or only the others.' }),
    ownedBy: t.string({ description: 'Only those of this owner, as `ownedBy` writes it.' }),
  }),
});

const ModelConnection = connectionOf('Model', Model, 'A page of models, newest first.');

builder.queryFields((t) => ({
  model: t.field({
    type: Model,
    description: 'One model; null when there is none of this name.',
    args: { id: t.arg.id({ required: true, description: 'The name of the model.' }) },
    extensions: MODEL_COST,
    resolve: (_, { id }, { loaders }) => loaders.model(id),
  }),
  models: t.field({
    type: ModelConnection,
    description: 'The models that the account can see, newest first, in one upstream call whatever is asked of them.',
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'older models'),
      filter: t.arg({ type: ModelFilter, description: 'Only some of them.' }),
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
      return { ...pageBehind(all, limit, after), after, noun: NOUN };
    },
  }),
}));

// The upstream gives them in no order. Those that cannot be understood come last, and behind them those without an id.
// Where a page begins is told by the place in this order, so that it holds when the model itself is gone.
function newestFirst(items: readonly PageItem<WireModel>[]): PageItem<WireModel>[] {
  const placed = items.map((item) => (item.id === null ? item : { ...item, id: placeOf(item) }));
  return placed.sort((a, b) => (a.id === b.id ? 0 : (a.id ?? '') < (b.id ?? '') ? 1 : -1));
}

function placeOf({ id, value }: PageItem<WireModel>): string {
  return value ? `1 ${String(value.created ?? 0).padStart(16, '0')} ${id}` : `0 ${id}`;
}

function pageBehind(all: readonly PageItem<WireModel>[], limit: number, after: string | null): Page<WireModel> {
  if (after !== null && !/^[01] /.test(after)) throw badUserInput('after', 'a cursor that this field has given');
  const behind = after === null ? all : all.filter(({ id }) => (id ?? '') < after);
  const items = behind.slice(0, limit);
  // From an item without an id nobody can go on, and none with an id is left.
  return { items, hasMore: behind.length > limit && items.at(-1)?.id !== null };
}
