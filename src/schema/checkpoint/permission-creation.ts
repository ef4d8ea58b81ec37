import { isValidName } from '../../upstream/http/path.ts';
import type { PageItem } from '../../upstream/resources/page.ts';
import type { Permission } from '../../upstream/resources/permission.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { InvalidInput, type NotFound, notFound } from '../mutation/failure.ts';
import { COMMON_FAILURES, InvalidInputError, NotFoundError } from '../mutation/failure-types.ts';
import { resolveMutation } from '../mutation/mutation.ts';
import { CheckpointPermission, NEEDS_ADMIN } from './permission.ts';

/** Permissions that are there now. */
class Permitted {
  /** The name of the model. */
  readonly affectedId: string;
  readonly permissions: readonly PageItem<Permission>[];

  constructor(model: string, permissions: readonly PageItem<Permission>[]) {
    this.affectedId = model;
    this.permissions = permissions;
  }
}

const CreateCheckpointPermissionsSuccess = builder.objectType(Permitted, {
  name: 'CreateCheckpointPermissionsSuccess',
  isTypeOf: (value) => value instanceof Permitted,
  description: 'The projects may use the checkpoint.',
  fields: (t) => ({
    permissions: t.field({
      type: [CheckpointPermission],
      nullable: { list: false, items: true },
      description:
        'A permission for each project, as the upstream answered; null, with an error, for one that cannot be understood.',
      resolve: ({ affectedId: model, permissions }) =>
        // An error in the place of an item becomes that of the place: GraphQL knows it, Pothos does not.
        permissions.map((item) => item.error ?? { model, permission: item.value }) as never,
    }),
  }),
});

const CreateCheckpointPermissionsInput = builder.inputType('CreateCheckpointPermissionsInput', {
  description: 'Who is to be allowed to use which checkpoint.',
  fields: (t) => ({
    fineTunedModelId: t.id({ required: true, description: 'The name of the model that the checkpoint is.' }),
    projectIds: t.idList({ required: true, description: 'The projects that may use it; at least one.' }),
  }),
});

/** All that is wrong with the projects. */
function issuesOf(projectIds: readonly string[]) {
  if (projectIds.length === 0) return [{ path: ['projectIds'], message: 'expected at least one project' }];
  return projectIds.flatMap((id, place) =>
    isValidName(id) ? [] : [{ path: ['projectIds', String(place)], message: 'expected the id of a project' }],
  );
}

builder.mutationField('createCheckpointPermissions', (t) =>
  t.field({
    type: builder.unionType('CreateCheckpointPermissionsResult', {
      description: 'What came of it.',
      types: [CreateCheckpointPermissionsSuccess, InvalidInputError, NotFoundError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description: `Lets other projects of the organisation use a checkpoint. ${NEEDS_ADMIN}`,
    args: {
      input: t.arg({
        type: CreateCheckpointPermissionsInput,
        required: true,
        description: 'Who, and which checkpoint.',
      }),
    },
    extensions: cost({ calls: 1 }),
    resolve: resolveMutation<typeof CreateCheckpointPermissionsInput.$inferInput, Permitted, InvalidInput | NotFound>(
      'createCheckpointPermissions',
      'admin',
      async ({ fineTunedModelId: model, projectIds }, { commands }) => {
        const issues = issuesOf(projectIds);
        if (issues.length > 0) return new InvalidInput(issues);
        const permissions = await commands.permissions.create(model, projectIds);
        if (permissions) return new Permitted(model, permissions);
        return notFound('fineTunedModelId', 'the name of the model of a checkpoint', model);
      },
      ({ fineTunedModelId }) => fineTunedModelId,
    ),
  }),
);
