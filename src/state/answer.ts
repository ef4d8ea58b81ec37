/** A value, or its promise where another process is asked. */
export type Answer<T> = T | Promise<T>;
