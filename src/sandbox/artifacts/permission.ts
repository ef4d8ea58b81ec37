/** The permission of another project of the organization to use a checkpoint. */
export interface Permission {
  readonly id: string;
  /** The model name of the checkpoint. */
  readonly model: string;
  readonly projectId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export function permissionBody({ id, projectId, createdAt }: Permission) {
  return {
    object: 'checkpoint.permission' as const,
    id,
    created_at: Math.floor(createdAt / 1000),
    project_id: projectId,
  };
}
