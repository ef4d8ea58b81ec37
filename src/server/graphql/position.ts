/** An object or a list of the response. */
export type Container = Record<string | number, unknown>;

/** The place of a value in the response: a Path of graphql-js, and where the value is written. */
export class Position {
  readonly prev: Position | undefined;
  readonly key: string | number;
  readonly typename: string | undefined;
  readonly container: Container;
  readonly isNonNull: boolean;
  /** Whether the value is null because of an error. Later errors at and below it are not reported. */
  isNulled = false;

  constructor(
    prev: Position | undefined,
    key: string | number,
    typename: string | undefined,
    container: Container,
    isNonNull: boolean,
  ) {
    this.prev = prev;
    this.key = key;
    this.typename = typename;
    this.container = container;
    this.isNonNull = isNonNull;
  }
}
