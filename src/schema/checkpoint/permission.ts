import type { Permission } from '../../upstream/resources/permission.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, mapPage, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJobCheckpoint } from './checkpoint.ts';

const NOUN = 'permission';
const DEFAULT_FIRST = 10;

export const MODEL_ID_EXAMPLE = 'ft:gpt-4.1-mini-2025-04-14:acme::abc123:ckpt-step-80';
export const MODEL_ID_DESCRIPTION = `The id of the model of the checkpoint: its \`fineTunedModelId\`, such as \`${MODEL_ID_EXAMPLE}\`.`;
/** A part of the descriptions of the mutations of permissions. */
export const NEEDS_ADMIN_KEY = 'Returns ForbiddenError when the gateway has no OPENAI_ADMIN_KEY.';

/** A permission, and the model id of its checkpoint. */
interface ModelPermission {
  readonly modelId: string;
  readonly permission: Permission;
}

export const CheckpointPermission = builder.objectRef<ModelPermission>('CheckpointPermission').implement({
  description: 'A permission: it allows another project of the organization to use the model of a checkpoint.',
  fields: (t) => ({
    id: t.id({
      nullable: false,
      description: 'The id of the permission, such as `cp_abc123`.',
      resolve: ({ permission }) => permission.id,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'The time when the permission was created.',
      resolve: ({ permission }) => permission.created_at,
    }),
    projectId: t.id({
      nullable: false,
      description: 'The id of the project that may use the checkpoint, such as `proj_abc123`.',
      resolve: ({ permission }) => permission.project_id,
    }),
    fineTunedModelId: t.id({
      nullable: false,
      description: MODEL_ID_DESCRIPTION,
      resolve: ({ modelId }) => modelId,
    }),
  }),
});

const CheckpointPermissionConnection = connectionOf(
  'CheckpointPermission',
  CheckpointPermission,
  'A page of the permissions of a checkpoint, newest first.',
);

builder.objectField(FineTuningJobCheckpoint, 'permissions', (t) =>
  t.field({
    type: CheckpointPermissionConnection,
    description:
      'The permissions of other projects to use this checkpoint, newest first. Requires the role `admin`, and a gateway with an OPENAI_ADMIN_KEY; otherwise null, with an error.',
    authScopes: { admin: true },
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'older permissions'),
      projectId: t.arg.id({
        description:
          'The id of a project, such as `proj_abc123`: selects the permissions of this project. By default, and when null, those of all projects.',
      }),
    },
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async ({ checkpoint }, { projectId, ...args }, { loaders }) => {
      const modelId = checkpoint.fine_tuned_model_checkpoint;
      const request = { ...pageRequest(NOUN, DEFAULT_FIRST, args), projectId: projectId ?? undefined };
      const page = await readFrom(request, () => loaders.permissions(modelId, request));
      return { ...mapPage(page, (permission) => ({ modelId, permission })), after: request.after, noun: NOUN };
    },
  }),
);
