/** An input object of the schema. */
export interface InputObject {
  /** Whether exactly one field has to be set. */
  readonly isOneOf: boolean;
  /** The types of the fields in SDL, such as `[String!]!`. */
  readonly fields: Readonly<Record<string, string>>;
  readonly required: readonly string[];
}

/** Input objects, and enums with their values, by name. */
export type InputTypes = Readonly<Record<string, InputObject | readonly string[]>>;
