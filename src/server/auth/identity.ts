import type { Identity } from '../../request/context.ts';
import type { Access } from '../../store/cache/scope.ts';

/** Returns the identity of a caller. `accessNow` returns the same object until the upstream credential changes. */
export function identityOf(caller: Omit<Identity, 'access' | 'current'>, accessNow: () => Access): Identity {
  const access = accessNow();
  const identity: Identity = {
    ...caller,
    access,
    current: () => (accessNow() === access ? identity : identityOf(caller, accessNow)),
  };
  return identity;
}
