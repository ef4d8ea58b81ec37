import SchemaBuilder from '@pothos/core';
import ScopeAuthPlugin, { type AuthFailure } from '@pothos/plugin-scope-auth';
import type { Context } from '../../request/context.ts';
import { includes } from '../../request/viewer.ts';
import type { UploadedFile } from './upload-value.ts';

interface Scalar<T> {
  Input: T;
  Output: T;
}

/**
 * Collects the types; defines none itself. Fields are nullable unless they say otherwise, and everybody's unless they
 * have `authScopes`: those are nullable and name the role in their description.
 */
export const builder = new SchemaBuilder<{
  Context: Context;
  AuthScopes: { operator: boolean; admin: boolean };
  Scalars: {
    ID: { Input: string; Output: string };
    UnixTimestamp: Scalar<number>;
    SafeInt: Scalar<number>;
    IntOrAuto: Scalar<number | 'auto'>;
    FloatOrAuto: Scalar<number | 'auto'>;
    JSON: Scalar<unknown>;
    Date: Scalar<string>;
    Upload: Scalar<UploadedFile>;
  };
}>({
  plugins: [ScopeAuthPlugin],
  scopeAuth: {
    authScopes: ({ viewer: { role } }) => ({ operator: includes(role, 'operator'), admin: includes(role, 'admin') }),
    unauthorizedError: (_parent, { viewer }, { parentType, fieldName }, { failure }) =>
      `${parentType}.${fieldName}: expected the role ${neededBy(failure)}, got ${viewer.role}.`,
  },
});

function neededBy(failure: AuthFailure): string {
  if ('failures' in failure) return failure.failures.map(neededBy).join(' or ');
  return 'scope' in failure ? failure.scope : 'that its description names';
}

/** The builder's own type parameters, for helpers that take its refs. */
export type Types = typeof builder.$inferSchemaTypes;

builder.queryType({ description: 'Everything that can be asked.' });
builder.subscriptionType({ description: 'Everything that can be followed.' });
