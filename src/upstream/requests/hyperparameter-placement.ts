import { isObject, type Members, membersOf } from '../json/members.ts';
import type { Issue } from './validation.ts';

// Where a server looks for the hyperparameters of a new job (docs/upstream.md: Hyperparameters). One that looks elsewhere
// trains with its defaults, and says nothing.

/**
 * `method`: in `method`, as OpenAI. `top`: in `hyperparameters` of the request; such a server knows no `method`, and trains
 * supervised only. `both`: unknown, so they are sent in both places.
 */
export type HyperparameterPlacement = 'method' | 'top' | 'both';

/** The last GA version of Azure's API before v1. It knows no `method`; previews of 2025 do, those in between may. */
const LAST_WITHOUT_METHOD = '2024-10-21';
const FIRST_WITH_METHOD = '2025-01-01';

/** Hosts of OpenAI, and of Azure in all its clouds. */
const KNOWN_HOST = /(^|\.)(api\.openai\.com|azure\.(com|us|cn))$/;

/** Returns where a server looks, by its base URL. `isAzure` says that the upstream is configured as Azure. */
export function placementOf({ hostname, pathname, searchParams }: URL, isAzure = false): HyperparameterPlacement {
  const [version] = /^\d{4}-\d\d-\d\d/.exec(searchParams.get('api-version') ?? '') ?? [];
  const isV1 = /\/v1\/?$/.test(pathname);
  if (version !== undefined && !isV1) {
    if (version <= LAST_WITHOUT_METHOD) return 'top';
    return version < FIRST_WITH_METHOD ? 'both' : 'method';
  }
  const isKnown = isAzure || searchParams.has('api-version') || KNOWN_HOST.test(hostname);
  return isKnown ? 'method' : 'both';
}

/**
 * Returns the body of a create request with its hyperparameters where the server looks. `body` has those of the method in
 * `method`, and those that only this server knows in either place. No name is in both places.
 */
export function placeHyperparameters(body: object, placement: HyperparameterPlacement): object {
  const { hyperparameters, method, ...rest } = membersOf(body);
  const top = membersOf(hyperparameters);
  const { type = 'supervised', ...objects } = membersOf(method);
  const { hyperparameters: own, ...others } = membersOf(objects[String(type)]);
  const all = { ...top, ...membersOf(own) };
  const withAll = { type, ...objects, [String(type)]: { ...others, hyperparameters: all } };
  if (type !== 'supervised') {
    if (hyperparameters === undefined) return body;
    return { ...rest, method: withAll, ...(placement !== 'method' && { hyperparameters: top }) };
  }
  const atTop = { ...top, ...withoutAuto(membersOf(own)) };
  const topMember = isEmpty(atTop) ? {} : { hyperparameters: atTop };
  if (placement === 'top') {
    const unplaced = isEmpty(others) ? {} : { method: { type, ...objects, supervised: others } };
    return { ...rest, ...unplaced, ...topMember };
  }
  if (isEmpty(all)) return body;
  if (placement === 'method') return { ...rest, method: withAll };
  return { ...rest, ...(method !== undefined && { method: withAll }), ...topMember };
}

const isEmpty = (members: object) => Object.keys(members).length === 0;

/** Without `auto`, which is the default: servers with numbers at the top, such as Azure, have no such value. */
const withoutAuto = (members: Members) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== 'auto'));

/** Returns the issues of `hyperparameters` among extra members, which may not repeat the hyperparameters of the input. */
export function findHyperparameterIssues(extra: unknown, typed: readonly Members[], path: Issue['path']): Issue[] {
  if (!isObject(extra) || !Object.hasOwn(extra, 'hyperparameters')) return [];
  const { hyperparameters } = extra;
  const at = [...path, 'hyperparameters'];
  if (!isObject(hyperparameters)) {
    return [{ path: at, message: 'is not an object; expected an object such as {"lora_r": 16}' }];
  }
  return Object.keys(hyperparameters)
    .filter((name) => typed.some((members) => Object.hasOwn(members, name) && members[name] != null))
    .map((name) => ({ path: [...at, name], message: 'is given in method too; expected it in one place' }));
}
