import type { Context } from '../../request/context.ts';
import type { Deletion } from '../../upstream/resources/deletion.ts';
import type { Model as WireModel } from '../../upstream/resources/model.ts';
import { builder } from '../core/builder.ts';
import { notFound } from '../mutation/failure.ts';
import { NotFoundError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { denialOf, type ViewerDenial, ViewerDenialReason } from '../mutation/viewer-denial.ts';
import { isFineTuned, Model } from './model.ts';

const ROLE = 'admin';
const EXAMPLE = 'ft:gpt-4.1-mini-2025-04-14:acme::abc123';

const DeleteModelInput = builder.inputType('DeleteModelInput', {
  description: 'The model to delete.',
  fields: (t) => ({
    modelId: t.id({ required: true, description: `The id of a fine-tuned model, such as \`${EXAMPLE}\`.` }),
  }),
});

defineMutation({
  name: 'deleteModel',
  role: ROLE,
  description:
    'Deletes a fine-tuned model permanently. On OpenAI the API key must belong to an owner of the organization.',
  cost: { calls: 1 },
  input: DeleteModelInput,
  idOfInput: ({ modelId }) => modelId,
  result: 'The id of the deleted model, or the reason why the model was not deleted.',
  success: {
    description: 'The model is deleted permanently. The job that created it remains.',
    affectedId: ({ id }: Deletion) => id,
    fields: (t) => ({
      deletedModelId: t.exposeID('id', { nullable: false, description: 'The id of the deleted model.' }),
    }),
  },
  failures: [NotFoundError],
  failureCases: ['`NotFoundError`: no model has the id `modelId`.'],
  run: async ({ modelId }, { commands }) =>
    (await commands.models.delete(modelId)) ?? notFound('modelId', 'model', EXAMPLE, modelId),
});

function denialOfDeletion(model: WireModel, context: Context): ViewerDenial | null {
  return isFineTuned(model) ? denialOf(ROLE, context) : 'BASE_MODEL';
}

builder.objectFields(Model, (t) => ({
  viewerCanDelete: t.boolean({
    nullable: false,
    description:
      'Whether to offer `deleteModel`: the model is fine-tuned, and the gateway and the role of the caller allow it. The upstream can still reject it.',
    resolve: (model, _args, context) => denialOfDeletion(model, context) === null,
  }),
  deleteDenial: t.field({
    type: ViewerDenialReason,
    description: 'Why `viewerCanDelete` is false. Null when it is true.',
    resolve: (model, _args, context) => denialOfDeletion(model, context),
  }),
}));
