import type { Permission } from '../../upstream/resources/permission.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, mapPage, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJobCheckpoint } from './checkpoint.ts';

const NOUN = 'permission';
const DEFAULT_FIRST = 10;

/** What the mutations of permissions say of themselves. */
export const NEEDS_ADMIN =
  'It needs the role `admin`, and of the gateway OPENAI_ADMIN_KEY: without that it answers ForbiddenError.';

/** A permission, and the name of the model that it is about. */
interface GivenPermission {
  readonly model: string;
  readonly permission: Permission;
}

export const CheckpointPermission = builder.objectRef<GivenPermission>('CheckpointPermission').implement({
  description: 'That another project of the organisation may use a checkpoint.',
  fields: (t) => ({
    id: t.id({ nullable: false, description: "The upstream's own id.", resolve: ({ permission }) => permission.id }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'When it was given.',
      resolve: ({ permission }) => permission.created_at,
    }),
    projectId: t.id({
      nullable: false,
      description: 'The project that may use it.',
      resolve: ({ permission }) => permission.project_id,
    }),
    fineTunedModelId: t.id({
      nullable: false,
      description: 'The name of the model that the checkpoint is.',
      resolve: ({ model }) => model,
    }),
  }),
});

const CheckpointPermissionConnection = connectionOf(
  'CheckpointPermission',
  CheckpointPermission,
  "A page of a checkpoint's permissions, newest first.",
);

builder.objectField(FineTuningJobCheckpoint, 'permissions', (t) =>
  t.field({
    type: CheckpointPermissionConnection,
    description:
      'Which other projects may use it, newest first. It needs the role `admin`, and of the gateway OPENAI_ADMIN_KEY.',
    authScopes: { admin: true },
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'earlier permissions'),
      projectId: t.arg.id({ description: 'Only those of this project.' }),
    },
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async ({ checkpoint }, { projectId, ...args }, { loaders }) => {
      const model = checkpoint.fine_tuned_model_checkpoint;
      const request = { ...pageRequest(NOUN, DEFAULT_FIRST, args), projectId: projectId ?? undefined };
      const page = await readFrom(request, () => loaders.permissions(model, request));
      return { ...mapPage(page, (permission) => ({ model, permission })), after: request.after, noun: NOUN };
    },
  }),
);
