import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { type NotFound, notFound } from '../mutation/failure.ts';
import { COMMON_FAILURES, NotFoundError } from '../mutation/failure-types.ts';
import { resolveMutation } from '../mutation/mutation.ts';
import { NEEDS_ADMIN } from './permission.ts';

/** A permission that is gone. */
class PermissionDeleted {
  readonly affectedId: string;

  constructor(id: string) {
    this.affectedId = id;
  }
}

const DeleteCheckpointPermissionSuccess = builder.objectType(PermissionDeleted, {
  name: 'DeleteCheckpointPermissionSuccess',
  isTypeOf: (value) => value instanceof PermissionDeleted,
  description: 'The project may not use the checkpoint any more.',
  fields: (t) => ({
    deletedPermissionId: t.id({
      nullable: false,
      description: 'The id of the permission.',
      resolve: ({ affectedId }) => affectedId,
    }),
  }),
});

const DeleteCheckpointPermissionInput = builder.inputType('DeleteCheckpointPermissionInput', {
  description: 'Which permission is to be taken away.',
  fields: (t) => ({
    fineTunedModelId: t.id({ required: true, description: 'The name of the model that the checkpoint is.' }),
    permissionId: t.id({ required: true, description: "The permission's id." }),
  }),
});

builder.mutationField('deleteCheckpointPermission', (t) =>
  t.field({
    type: builder.unionType('DeleteCheckpointPermissionResult', {
      description: 'What came of it.',
      types: [DeleteCheckpointPermissionSuccess, NotFoundError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description: `Takes a permission away. ${NEEDS_ADMIN}`,
    args: { input: t.arg({ type: DeleteCheckpointPermissionInput, required: true, description: 'Which permission.' }) },
    extensions: cost({ calls: 1 }),
    resolve: resolveMutation<typeof DeleteCheckpointPermissionInput.$inferInput, PermissionDeleted, NotFound>(
      'deleteCheckpointPermission',
      'admin',
      async ({ fineTunedModelId: model, permissionId }, { commands }) => {
        const deletion = await commands.permissions.delete(model, permissionId);
        if (deletion) return new PermissionDeleted(deletion.id);
        return notFound('permissionId', 'the id of a permission of this checkpoint', permissionId);
      },
      ({ permissionId }) => permissionId,
    ),
  }),
);
