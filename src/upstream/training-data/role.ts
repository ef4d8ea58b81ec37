import { isObject } from '../json/members.ts';

/** The roles of messages in training data. */
export const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

export const isKnownRole = (role: unknown): boolean => typeof role === 'string' && ROLES.has(role);

export const hasRole = (message: unknown, role: string): boolean => isObject(message) && message['role'] === role;
