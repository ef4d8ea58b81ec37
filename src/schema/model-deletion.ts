import { builder } from './builder.ts';
import { type NotFound, notFound } from './failure.ts';
import { COMMON_FAILURES, NotFoundError } from './failure-types.ts';
import { mutating } from './mutation.ts';
import { costs } from './price.ts';

/** A model that is gone. */
class ModelDeleted {
  readonly doneId: string;

  constructor(id: string) {
    this.doneId = id;
  }
}

const DeleteModelSuccess = builder.objectType(ModelDeleted, {
  name: 'DeleteModelSuccess',
  isTypeOf: (value) => value instanceof ModelDeleted,
  description: 'The model is gone, for good; the job that made it stays.',
  fields: (t) => ({
    deletedModelId: t.id({ nullable: false, description: 'The name of the model.', resolve: ({ doneId }) => doneId }),
  }),
});

const DeleteModelInput = builder.inputType('DeleteModelInput', {
  description: 'Which model is to be deleted.',
  fields: (t) => ({ modelId: t.id({ required: true, description: 'The name of a fine-tuned model.' }) }),
});

builder.mutationField('deleteModel', (t) =>
  t.field({
    type: builder.unionType('DeleteModelResult', {
      description: 'What came of it.',
      types: [DeleteModelSuccess, NotFoundError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description: 'Deletes a fine-tuned model, for good. It needs the role `admin`.',
    args: { input: t.arg({ type: DeleteModelInput, required: true, description: 'Which model.' }) },
    extensions: costs({ calls: 1 }),
    resolve: mutating<typeof DeleteModelInput.$inferInput, ModelDeleted, NotFound>(
      'deleteModel',
      'admin',
      async ({ modelId }, { changes }) => {
        const deletion = await changes.models.delete(modelId);
        return deletion ? new ModelDeleted(deletion.id) : notFound('modelId', 'the name of a model', modelId);
      },
      ({ modelId }) => modelId,
    ),
  }),
);
