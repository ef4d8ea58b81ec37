import type { JWTPayload } from 'jose';
import { type Role, roles } from '../../request/viewer.ts';
import { replaceUnsafe } from '../../telemetry/unsafe-characters.ts';

/** Maximum characters of a caller's name, which is in each of its log lines. */
const MAX_NAME_LENGTH = 128;

/** Returns the highest role that the values of a claim are mapped to; null without any. */
export function roleOf(payload: JWTPayload, claim: string, roleByValue: ReadonlyMap<string, Role>): Role | null {
  const found = new Set(valuesOf(payload, claim).map((value) => roleByValue.get(String(value))));
  return roles.findLast((role) => found.has(role)) ?? null;
}

/** Returns the first of these claims that is a text, else the subject; on one line, and not too long. */
export function nameOf(payload: JWTPayload, claims: readonly string[], subject: string): string {
  const texts = claims.map((claim) => claimAt(payload, claim)).filter((value) => typeof value === 'string');
  const name = texts.map((text) => replaceUnsafe(text).trim().slice(0, MAX_NAME_LENGTH).toWellFormed()).find(Boolean);
  return name ?? replaceUnsafe(subject).slice(0, MAX_NAME_LENGTH).toWellFormed();
}

/** The texts of a claim: a text, or an array. A scope is a list with spaces between its values (RFC 8693 4.2). */
function valuesOf(payload: JWTPayload, claim: string): readonly unknown[] {
  const value = claimAt(payload, claim);
  if (typeof value === 'string') return claim === 'scope' || claim === 'scp' ? value.split(' ') : [value];
  return Array.isArray(value) ? value : [];
}

/** The value of a claim with this name, or at this path. Names that are URLs have dots too. */
function claimAt(payload: object, claim: string): unknown {
  if (Object.hasOwn(payload, claim)) return ownMember(payload, claim);
  return claim.split('.').reduce<unknown>(ownMember, payload);
}

const ownMember = (object: unknown, name: string): unknown =>
  Object.hasOwn(Object(object), name) ? Object(object)[name] : undefined;
