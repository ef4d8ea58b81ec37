/** An operation with the types of its result and its variables. */
export interface Document<Result, Variables> {
  /** The name of the operation. */
  readonly name: string;
  /** The text of the operation, with its fragments. */
  readonly text: string;
  /** For the type checker only. */
  readonly types?: (variables: Variables) => Result;
}
