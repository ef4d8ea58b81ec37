import { createHash } from 'node:crypto';
import type { Identity } from '../../request/context.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import type { Prepared } from '../graphql/prepare.ts';

/**
 * Returns the key that equal subscriptions share: a digest of scope, role, document, operation and variables. The order of
 * the members of a variable does not matter.
 */
export function groupKey({ params, operation, operationName }: Prepared, { access, viewer }: Identity): string {
  const declared = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  const values = params.variables ?? {};
  const variables = declared.filter((name) => Object.hasOwn(values, name)).map((name) => [name, values[name]]);
  const key = [access.scope, viewer.role, params.query, operationName ?? null, variables];
  return createHash('sha256').update(canonicalJson(key)).digest('base64');
}
