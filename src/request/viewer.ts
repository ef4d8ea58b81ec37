/** Roles of callers, in ascending order. Each role includes all permissions of the roles before it. */
export const roles = ['viewer', 'operator', 'admin'] as const;

export type Role = (typeof roles)[number];

export const isRole = (text: string): text is Role => roles.some((role) => role === text);

/** Whether `role` includes the permissions of the `needed` role. */
export function includes(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** Name and role of the caller, as the graph shows them. */
export interface Viewer {
  /** The name of the token, or from a claim of the JWT; null without a token. */
  readonly name: string | null;
  readonly role: Role;
}
