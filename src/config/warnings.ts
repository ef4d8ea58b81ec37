import leven from 'leven';
import type { Config } from './config.ts';
import { renamedSettings, settings } from './settings.ts';
import { type Environment, hasAzure, hasOpenaiKey } from './upstream-kind.ts';

/** Shorter names are similar to too many others: AUTH to PATH. */
const MIN_NAME_LENGTH = 6;
/** Other programs have variables with these prefixes: only misspellings of a letter or two cause a warning. */
const SHARED_PREFIX = /^(OPENAI|AZURE|OTEL)_/;
/** Names that OPENAI_API_KEY has in other programs. */
const OPENAI_KEY_NAME = /^OPEN_?AI_(API_?|SECRET_|ACCESS_)?(KEY|TOKEN|SECRET)$/i;

/** Variables of other programs, and other spellings of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
const PROXY_NAME = /^(?:all|ftp|https?|no|rsync|socks)_proxy$/i;

/** Points per upstream call at which RATE_LIMIT_PER_MINUTE contradicts UPSTREAM_MAX_RPS. Caches answer some of the reads. */
const MAX_POINTS_PER_CALL = 10;

/** One sentence for each pair of settings that contradict each other. */
export function contradictions({
  limits,
  upstreamCalls,
}: {
  limits: Pick<Config['limits'], 'pointsPerMinute'>;
  upstreamCalls: Pick<Config['upstreamCalls'], 'maxRps'>;
}): string[] {
  const { pointsPerMinute } = limits;
  const callsPerMinute = 60 * upstreamCalls.maxRps;
  if (pointsPerMinute === Number.POSITIVE_INFINITY || pointsPerMinute <= MAX_POINTS_PER_CALL * callsPerMinute)
    return [];
  return [
    `RATE_LIMIT_PER_MINUTE: one caller has ${pointsPerMinute} points per minute, but UPSTREAM_MAX_RPS=${upstreamCalls.maxRps} allows ${callsPerMinute} upstream calls, and a call costs a point; set RATE_LIMIT_PER_MINUTE to at most ${MAX_POINTS_PER_CALL * callsPerMinute}, or raise UPSTREAM_MAX_RPS.`,
  ];
}

/** One sentence for each variable that has no effect because its name is probably misspelled, and for each old name. */
export function settingWarnings(environment: Environment): string[] {
  const variables = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  return Object.keys(variables).flatMap(
    (name) =>
      renameWarning(name, variables) ?? keyWarning(name, variables) ?? misspellingWarning(name, variables) ?? [],
  );
}

function renameWarning(oldName: string, environment: Environment): string | undefined {
  const name = renamedSettings.get(oldName);
  if (name === undefined) return undefined;
  if (environment[name]) return `${oldName} is ignored because ${name} is set; remove ${oldName}.`;
  return `${oldName} is the old name of ${name} and still works; rename it to ${name}.`;
}

/** Only where OPENAI_API_KEY may be missing: otherwise the key is probably that of another program. */
function keyWarning(name: string, environment: Environment): string | undefined {
  if (settings.has(name) || !OPENAI_KEY_NAME.test(name)) return undefined;
  const { AUTH, UPSTREAM = 'openai' } = environment;
  if (hasOpenaiKey(environment) || hasAzure(environment) || AUTH === 'passthrough' || UPSTREAM !== 'openai')
    return undefined;
  return `${name} is set but is not a setting; did you mean OPENAI_API_KEY?`;
}

function misspellingWarning(name: string, environment: Environment): string | undefined {
  if (settings.has(name) || name.length < MIN_NAME_LENGTH || PROXY_NAME.test(name)) return undefined;
  const similar = similarSetting(name.toUpperCase());
  if (similar === undefined) return undefined;
  // Beside OPENAI_API_KEY, another program may have an OPENAI_API_KEY_2.
  if (SHARED_PREFIX.test(similar) && environment[similar]) return undefined;
  return `${name} is set but is not a setting; did you mean ${similar}?`;
}

/** The setting with the most similar name, if it is similar enough to be meant. */
function similarSetting(name: string): string | undefined {
  const candidates = [...settings.keys(), ...renamedSettings.keys()]
    .map((candidate) => ({ candidate, distance: leven(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= maxDistance(name, candidate))
    .sort((a, b) => a.distance - b.distance);
  const similar = candidates[0]?.candidate;
  return similar && (renamedSettings.get(similar) ?? similar);
}

/** Maximum edits between the names: a third of their length when they begin with the same word, else one or two. */
function maxDistance(name: string, setting: string): number {
  const [word] = name.split('_');
  if (setting.length < MIN_NAME_LENGTH) return 0;
  if (word === setting.split('_')[0] && !SHARED_PREFIX.test(name)) return Math.max(name.length, setting.length) / 3;
  return name.length < 9 ? 1 : 2;
}
