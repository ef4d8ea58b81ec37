import type { Deletion } from '../../upstream/resources/deletion.ts';
import { builder } from '../core/builder.ts';
import { notFound } from '../mutation/failure.ts';
import { NotFoundError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { MODEL_ID_DESCRIPTION, NEEDS_ADMIN_KEY } from './permission.ts';

const DeleteCheckpointPermissionInput = builder.inputType('DeleteCheckpointPermissionInput', {
  description: 'The permission to delete, and its checkpoint.',
  fields: (t) => ({
    fineTunedModelId: t.id({ required: true, description: MODEL_ID_DESCRIPTION }),
    permissionId: t.id({ required: true, description: 'The id of the permission, such as `cp_abc123`.' }),
  }),
});

defineMutation({
  name: 'deleteCheckpointPermission',
  role: 'admin',
  description: `Revokes the permission of a project to use a checkpoint. ${NEEDS_ADMIN_KEY}`,
  cost: { calls: 1 },
  input: DeleteCheckpointPermissionInput,
  idOfInput: ({ permissionId }) => permissionId,
  result: 'The id of the deleted permission, or the reason why the permission was not deleted.',
  success: {
    description: 'The permission is deleted. Its project cannot use the checkpoint any more.',
    affectedId: ({ id }: Deletion) => id,
    fields: (t) => ({
      deletedPermissionId: t.exposeID('id', { nullable: false, description: 'The id of the deleted permission.' }),
    }),
  },
  failures: [NotFoundError],
  failureCases: ['`NotFoundError`: the checkpoint has no permission with the id `permissionId`.'],
  run: async ({ fineTunedModelId, permissionId }, { commands }) =>
    (await commands.permissions.delete(fineTunedModelId, permissionId)) ??
    notFound('permissionId', 'permission of this checkpoint', 'cp_abc123', permissionId),
});
