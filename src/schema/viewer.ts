import type { Viewer as ViewerShape } from '../request/viewer.ts';
import { builder } from './core/builder.ts';

const ViewerRole = builder.enumType('ViewerRole', {
  description:
    'The role of a caller. Each role includes the roles before it: viewer, operator, admin. Fields and mutations that require a role name it in their description.',
  values: {
    VIEWER: { value: 'viewer', description: 'Reads every field that requires no role.' },
    OPERATOR: {
      value: 'operator',
      description:
        'Also reads raw objects and file contents, creates, pauses, resumes and cancels jobs, uploads and deletes files, and runs graders. Callers with an upstream API key of their own have this role.',
    },
    ADMIN: {
      value: 'admin',
      description:
        'Also deletes models and manages the permissions of checkpoints. Without authentication every caller has this role; such a gateway is reachable from its own machine only, or its upstream is the sandbox.',
    },
  } as const,
});

const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'The caller of this operation.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description:
        'The name of the bearer token, such as `ann`. Null when callers send upstream API keys, or do not authenticate.',
    }),
    role: t.expose('role', { type: ViewerRole, nullable: false, description: 'The role of the caller.' }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: false,
    description: 'The caller of this operation, with its role. Costs no upstream call.',
    resolve: (_root, _args, { viewer, readContext }) => {
      readContext.freshUntil = 0; // Callers of one role share cached responses, which must not have a name.
      return viewer;
    },
  }),
);
