import type { GraphQLResolveInfo } from 'graphql';
import type { FieldPlan, OperationPlan, VariableValues } from './plan.ts';
import type { Position } from './position.ts';

/** The `info` of graphql-js. Most members are computed when they are read: few resolvers read one. */
export class ResolveInfo implements GraphQLResolveInfo {
  readonly #plan: OperationPlan;
  readonly #field: FieldPlan;
  readonly #prev: Position | undefined;
  readonly variableValues: VariableValues;
  readonly rootValue = undefined;

  constructor(plan: OperationPlan, field: FieldPlan, prev: Position | undefined, variableValues: VariableValues) {
    this.#plan = plan;
    this.#field = field;
    this.#prev = prev;
    this.variableValues = variableValues;
  }

  get fieldName() {
    return this.#field.definition.name;
  }

  get fieldNodes() {
    return this.#field.nodes;
  }

  get returnType() {
    return this.#field.definition.type;
  }

  get parentType() {
    return this.#field.parentType;
  }

  get path() {
    return { prev: this.#prev, key: this.#field.key, typename: this.#field.parentType.name };
  }

  get schema() {
    return this.#plan.options.schema;
  }

  get operation() {
    return this.#plan.options.operation;
  }

  get fragments() {
    return Object.fromEntries(this.#plan.options.fragments);
  }

  /** Undefined: reads end by the signal of the context. */
  getAbortSignal(): undefined {}

  getAsyncHelpers() {
    return ASYNC_HELPERS;
  }
}

const ASYNC_HELPERS = {
  promiseAll: <T>(values: readonly (PromiseLike<T> | T)[]) => Promise.all(values),
  track: () => {},
};
