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
 * The schema builder that every file of the graph registers its types with. Fields are nullable unless they say
 * otherwise. A field with `authScopes` is nullable and names its role in its description; all other fields are open to
 * every role.
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
      `${parentType}.${fieldName} needs the role ${neededRole(failure)}; the caller has the role ${viewer.role}.`,
  },
});

function neededRole(failure: AuthFailure): string {
  if ('failures' in failure) return failure.failures.map(neededRole).join(' or ');
  return 'scope' in failure ? failure.scope : 'in its description';
}

/** The type parameters of the builder, for functions that take its refs. */
export type Types = typeof builder.$inferSchemaTypes;

builder.queryType({
  description:
    'Reads data. The gateway caches responses of the upstream for a short time: by default 1 second for what can still change, and 5 minutes for what cannot, such as a succeeded job.',
});
builder.subscriptionType({
  description:
    'Live updates, over Server-Sent Events, multipart responses or WebSockets (subprotocol `graphql-transport-ws`). Subscriptions about one job complete after its last update; `anyFineTuningJobStatusChanged` does not complete.',
});
