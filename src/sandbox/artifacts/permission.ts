/** Who else may use a checkpoint: another project of the organisation. */
export interface Permission {
  readonly id: string;
  /** The model that the checkpoint is. */
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
