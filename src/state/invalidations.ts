/** A change after which replicas must not use what they have read before. */
export interface Invalidation {
  /** The scope, under a name that reveals no credential; null: all scopes. */
  readonly scope: string | null;
  /** The kind of thing that has changed. A replica of a newer version can name others than this one knows. */
  readonly noun: string;
  /** Empty where the noun is about the whole scope. */
  readonly id: string;
}

/** Applies the changes that other replicas make. */
export interface InvalidationListener {
  onInvalidation(invalidation: Invalidation): void;
  /** Changes can have been missed: whatever was read before is stale. */
  onGap(): void;
}

/** The changes that replicas tell each other, so that no cache outlives them. */
export interface Invalidations {
  /** Tells the other replicas. Returns at once: while Redis is away, the change is told when it is back. */
  publish(invalidation: Invalidation): void;
  /** Follows the changes of the other replicas. Returns the function that stops it. */
  follow(listener: InvalidationListener): () => void;
}
