import { isValidName } from '../../upstream/http/path.ts';
import type { PageItem } from '../../upstream/resources/page.ts';
import type { Permission } from '../../upstream/resources/permission.ts';
import { builder } from '../core/builder.ts';
import { type InputIssue, InvalidInput, notFound } from '../mutation/failure.ts';
import { InvalidInputError, NotFoundError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { CheckpointPermission, MODEL_ID_DESCRIPTION, MODEL_ID_EXAMPLE, NEEDS_ADMIN_KEY } from './permission.ts';

/** The permissions that were created for the model of a checkpoint. */
interface CreatedPermissions {
  readonly modelId: string;
  readonly permissions: readonly PageItem<Permission>[];
}

const CreateCheckpointPermissionsInput = builder.inputType('CreateCheckpointPermissionsInput', {
  description: 'The checkpoint, and the projects that may use it.',
  fields: (t) => ({
    fineTunedModelId: t.id({ required: true, description: MODEL_ID_DESCRIPTION }),
    projectIds: t.idList({
      required: true,
      description: 'The ids of the projects that may use the checkpoint, such as `["proj_abc123"]`. At least one.',
    }),
  }),
});

function issuesOf(projectIds: readonly string[]): InputIssue[] {
  if (projectIds.length === 0)
    return [{ path: ['projectIds'], message: 'is empty; expected at least one project id, such as proj_abc123' }];
  const message = 'is not a valid id; expected the id of a project, such as proj_abc123';
  return projectIds.flatMap((id, index) => (isValidName(id) ? [] : [{ path: ['projectIds', String(index)], message }]));
}

defineMutation({
  name: 'createCheckpointPermissions',
  role: 'admin',
  description: `Allows other projects of the organization to use a checkpoint. ${NEEDS_ADMIN_KEY}`,
  cost: { calls: 1 },
  input: CreateCheckpointPermissionsInput,
  idOfInput: ({ fineTunedModelId }) => fineTunedModelId,
  result: 'The created permissions, or the reason why no permission was created.',
  success: {
    description: 'The projects may now use the checkpoint.',
    affectedId: ({ modelId }: CreatedPermissions) => modelId,
    fields: (t) => ({
      permissions: t.field({
        type: [CheckpointPermission],
        nullable: { list: false, items: true },
        description:
          'The permissions in the response of the upstream, one per project. An item is null, with an error, when the upstream sent an invalid one.',
        resolve: ({ modelId, permissions }) =>
          // graphql-js reports an Error in a list as the error of that item; the types of Pothos do not know that.
          permissions.map((item) => item.error ?? { modelId, permission: item.value }) as never,
      }),
    }),
  },
  failures: [InvalidInputError, NotFoundError],
  failureCases: [
    '`InvalidInputError`: `projectIds` is empty or has an invalid id.',
    '`NotFoundError`: no checkpoint has the model id `fineTunedModelId`.',
  ],
  async run({ fineTunedModelId: modelId, projectIds }, { commands }) {
    const issues = issuesOf(projectIds);
    if (issues.length > 0) return new InvalidInput(issues);
    const permissions = await commands.permissions.create(modelId, projectIds);
    return permissions
      ? { modelId, permissions }
      : notFound('fineTunedModelId', 'checkpoint model', MODEL_ID_EXAMPLE, modelId);
  },
});
