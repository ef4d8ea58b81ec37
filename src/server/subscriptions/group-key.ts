import { createHash } from 'node:crypto';
import type { Identity } from '../../request/context.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import type { Prepared } from '../graphql/prepare.ts';

/**
 * What equal subscriptions have in common, and no others: whose view of the upstream, what the role may see, and what is
 * asked, whatever the order in which a client writes its variables. As a digest: clients choose how long they are.
 */
export function groupKey({ params, operation, operationName }: Prepared, { access, viewer }: Identity): string {
  const declared = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  const given = params.variables ?? {};
  const variables = declared.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]);
  const key = [access.scope, viewer.role, params.query, operationName ?? null, variables];
  return createHash('sha256').update(canonicalJson(key)).digest('base64');
}
