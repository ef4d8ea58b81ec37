import type { MeteredOperation } from '../../commands/daily-quota.ts';
import type { Context } from '../../request/context.ts';
import { includes, type Role } from '../../request/viewer.ts';
import { builder } from '../core/builder.ts';

/** Why the caller may not execute a mutation. */
export type ViewerDenial = 'MUTATIONS_OFF' | 'ROLE' | 'DAILY_QUOTA' | 'STATUS' | 'BASE_MODEL';

export const ViewerDenialReason = builder.enumType('ViewerDenialReason', {
  description: 'The reason why the caller may not execute a mutation now.',
  values: {
    MUTATIONS_OFF: {
      description: 'The gateway allows no mutations. Its operator can allow them with ALLOW_MUTATIONS=on.',
    },
    ROLE: { description: 'The role of the caller does not include the mutation: see `Viewer.role`.' },
    DAILY_QUOTA: {
      description:
        'The caller has used up its daily quota, or the quota is 0. Quotas start again at midnight UTC. See MAX_CREATES_PER_DAY.',
    },
    STATUS: { description: 'The status of the job does not allow it.' },
    BASE_MODEL: { description: 'The model is a base model: only fine-tuned models can be deleted.' },
  } as const,
});

/** Returns why the gateway or the role of the caller forbids a mutation; null when both allow it. */
export function denialOf(role: Role, { viewer, mutations }: Context): ViewerDenial | null {
  if (!mutations.isAllowed) return 'MUTATIONS_OFF';
  return includes(viewer.role, role) ? null : 'ROLE';
}

/** The same for an operation with a daily quota. The result is not cached: the quota changes with each operation. */
export function meteredDenialOf(role: Role, operation: MeteredOperation, context: Context): ViewerDenial | null {
  const denial = denialOf(role, context);
  if (denial !== null) return denial;
  context.readContext.freshUntil = 0;
  return context.quota.isUsedUp(operation) ? 'DAILY_QUOTA' : null;
}
