import type { Viewer as ViewerShape } from '../request/viewer.ts';
import { builder } from './core/builder.ts';

const ViewerRole = builder.enumType('ViewerRole', {
  description: 'What a caller may do; each role includes those before it: viewer, operator, admin.',
  values: {
    VIEWER: { value: 'viewer', description: 'Reads everything but the fields whose descriptions name another role.' },
    OPERATOR: {
      value: 'operator',
      description:
        'Also reads what the upstream sent as it is and what files contain, creates and steers jobs, uploads and deletes files, and runs graders. Who comes with a key of the upstream is one.',
    },
    ADMIN: {
      value: 'admin',
      description:
        'Everything: also deletes models and decides who may use checkpoints. Where the gateway does not ask who calls, everybody is one: then only its own machine reaches it, or its jobs are made up.',
    },
  } as const,
});

const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'Who asks, as far as the gateway knows.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'The name of the token; null when callers come with keys of their own, or need nothing.',
    }),
    role: t.expose('role', { type: ViewerRole, nullable: false, description: 'What they may do.' }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: false,
    description: 'Who asks. Costs no upstream call.',
    resolve: (_root, _args, { viewer, readContext }) => {
      readContext.freshUntil = 0; // The answer is theirs alone; kept ones are given to all of a role.
      return viewer;
    },
  }),
);
