import { createHash } from 'node:crypto';
import type { Identity } from '../../request/context.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import type { Prepared } from '../graphql/prepare.ts';

/**
 * The key that equal subscriptions share: scope, role, document, operation and variables, whose members can be in any order.
 * A digest, because clients choose the length of the rest.
 */
export function groupKey({ params, operation, operationName }: Prepared, { access, viewer }: Identity): string {
  const declared = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  const values = params.variables ?? {};
  const variables = declared.filter((name) => Object.hasOwn(values, name)).map((name) => [name, values[name]]);
  const key = [access.scope, viewer.role, params.query, operationName ?? null, variables];
  return createHash('sha256').update(canonicalJson(key)).digest('base64');
}
