import type { Context } from '../request/context.ts';
import type { Viewer as ViewerShape } from '../request/viewer.ts';
import { builder } from './core/builder.ts';
import { PRIVATE_FIELD } from './core/private-field.ts';
import { denialOf, meteredDenialOf, ViewerDenialReason } from './mutation/viewer-denial.ts';

const ViewerRole = builder.enumType('ViewerRole', {
  description:
    'The role of a caller. OPERATOR includes VIEWER, and ADMIN includes both. The description of a field or mutation names the role that it requires, if any.',
  values: {
    VIEWER: { value: 'viewer', description: 'Reads all fields that require no role.' },
    OPERATOR: {
      value: 'operator',
      description:
        'Also reads raw jobs and file contents; creates, pauses, resumes and cancels jobs; uploads and deletes files; runs and validates graders. Callers that send an upstream API key of their own have this role.',
    },
    ADMIN: {
      value: 'admin',
      description:
        'Also deletes models, and reads, creates and deletes the permissions of checkpoints. Callers of a gateway without authentication have this role: only its own machine can reach such a gateway, or its upstream is the sandbox.',
    },
  } as const,
});

const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'The caller of this operation: the client that sent it.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description:
        'The name of the bearer token of the caller, such as `ann`, or a name from its JWT. Null when callers send upstream API keys, or do not authenticate.',
    }),
    role: t.expose('role', {
      type: ViewerRole,
      nullable: false,
      description: 'The role of the caller: what it may read and do.',
    }),
    canCreateFineTuningJobs: t.boolean({
      nullable: false,
      description:
        'Whether to offer `createFineTuningJob`: the gateway, the role of the caller and its daily quota allow it. The upstream can still reject it.',
      resolve: (_viewer, _args, context) => denialOfCreate(context) === null,
    }),
    createFineTuningJobDenial: t.field({
      type: ViewerDenialReason,
      description: 'Why `canCreateFineTuningJobs` is false. Null when it is true.',
      resolve: (_viewer, _args, context) => denialOfCreate(context),
    }),
    canUploadFiles: t.boolean({
      nullable: false,
      description:
        'Whether to offer `uploadFile`: the gateway and the role of the caller allow it. The upstream can still reject it.',
      resolve: (_viewer, _args, context) => denialOf('operator', context) === null,
    }),
    uploadFileDenial: t.field({
      type: ViewerDenialReason,
      description: 'Why `canUploadFiles` is false. Null when it is true.',
      resolve: (_viewer, _args, context) => denialOf('operator', context),
    }),
  }),
});

const denialOfCreate = (context: Context) => meteredDenialOf('operator', 'create', context);

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: false,
    extensions: PRIVATE_FIELD,
    description: 'The caller of this operation, with its role. Costs no upstream call.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
);
