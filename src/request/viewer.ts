/** What somebody may do, from the least; each may also do what those before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;

export type Role = (typeof roles)[number];

export const isRole = (text: string): text is Role => roles.some((role) => role === text);

/** Whether who has a role may do what another needs. */
export function includes(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** Who asks. */
export interface Viewer {
  /** As the file of tokens has it; null where callers have no names. */
  readonly name: string | null;
  readonly role: Role;
}
