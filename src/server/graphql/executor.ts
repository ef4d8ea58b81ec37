import {
  type ExecutionResult,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getArgumentValues,
  locatedError,
  responsePathAsArray,
} from 'graphql';
import type { Context } from '../../request/context.ts';
import { countValue, TOO_LARGE } from '../../schema/core/metered-fields.ts';
import { completeLeaf, completeNull, ignoreRejections, isPromise, itemsOf, runtimeTypeOf } from './completion.ts';
import type { FieldPlan, OperationPlan, OutputPlan, SelectionPlan, VariableValues } from './plan.ts';
import { type Container, Position } from './position.ts';
import { ResolveInfo } from './resolve-info.ts';

// Executes a planned query or mutation as graphql-js does: the same data, errors and order. A list of 100 jobs takes a
// fifth of the time (`npm run bench:executors`): fields are collected once per document, a value that is there is completed
// without a promise, and a path is created only where an error or a pending value needs it.

/** One execution of an operation. */
export class Execution {
  readonly plan: OperationPlan;
  readonly context: Context;
  readonly values: VariableValues;
  readonly #errors: GraphQLError[] = [];
  #data: Container | null = null;
  #isRootNulled = false;
  /** Number of values that are not there yet. */
  #pending = 0;
  #onIdle: () => void = () => {};

  constructor(plan: OperationPlan, context: Context, values: VariableValues) {
    this.plan = plan;
    this.context = context;
    this.values = values;
  }

  get schema(): GraphQLSchema {
    return this.plan.options.schema;
  }

  /** Returns the result, or its promise when a value is not there yet. */
  execute(): ExecutionResult | Promise<ExecutionResult> {
    const { operation } = this.plan.options.operation;
    try {
      const type = this.schema.getRootType(operation);
      if (!type) throw new GraphQLError(`Schema is not configured to execute ${operation} operation.`);
      const selection = this.plan.root(type, this.values);
      this.#data = { ...selection.template };
      if (operation === 'mutation') return this.#executeSerially(selection, this.#data);
      this.#executeFields(selection, undefined, undefined, this.#data);
    } catch (error) {
      this.#nullRoot(error);
    }
    return this.#pending === 0 ? this.#result() : this.#idle().then(() => this.#result());
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async #executeSerially({ fields }: SelectionPlan, data: Container): Promise<ExecutionResult> {
    try {
      for (const field of fields) {
        this.#executeField(field, undefined, undefined, data);
        if (this.#pending > 0) await this.#idle();
        if (this.#isRootNulled) break;
      }
    } catch (error) {
      this.#nullRoot(error);
    }
    return this.#result();
  }

  #result(): ExecutionResult {
    const data = this.#isRootNulled ? null : this.#data;
    return this.#errors.length > 0 ? { errors: this.#errors, data } : { data };
  }

  #executeFields(selection: SelectionPlan, source: unknown, prev: Position | undefined, into: Container): void {
    for (const field of selection.fields) this.#executeField(field, source, prev, into);
  }

  /** Writes the value of a field. Throws the located error of a field that is not nullable. */
  #executeField(field: FieldPlan, source: unknown, prev: Position | undefined, into: Container): void {
    const { output, key, resolve } = field;
    let position: Position | undefined;
    let value: unknown;
    try {
      const meter = this.context.response;
      if (field.isMetered && output.kind !== 'leaf' && meter.isExceeded) throw TOO_LARGE;
      const args = field.args ?? this.#argsOf(field);
      value = resolve(source, args, this.context, field.needsInfo ? this.#infoOf(field, prev) : undefined);
      if (output.kind === 'leaf' && !isPromise(value)) {
        if (field.isMetered) countValue(meter, field.memberBytes, value, true);
        into[key] = completeLeaf(output, value, field);
        return;
      }
      position = new Position(prev, key, field.parentType.name, into, output.isNonNull);
      if (isPromise(value)) this.#await(value, field, output, position);
      else {
        if (field.isMetered) countValue(meter, field.memberBytes, value, output.kind === 'leaf');
        into[key] = this.#complete(output, value, field, position);
      }
    } catch (error) {
      ignoreRejections(output, value);
      position ??= new Position(prev, key, field.parentType.name, into, output.isNonNull);
      this.#fail(error, field.nodes, position);
    }
  }

  #infoOf(field: FieldPlan, prev: Position | undefined): ResolveInfo {
    return new ResolveInfo(this.plan, field, prev, this.values);
  }

  #argsOf({ definition, nodes }: FieldPlan): Record<string, unknown> {
    const [node] = nodes as readonly [FieldNode]; // A planned field has one at least.
    return getArgumentValues(definition, node, this.values, undefined, this.plan.options.hideSuggestions);
  }

  /** Completes a value when it is there. */
  #await(value: PromiseLike<unknown>, field: FieldPlan, output: OutputPlan, position: Position): void {
    this.#pending++;
    const settle = (complete: () => unknown, resolved?: unknown) => {
      try {
        if (this.#isBelowNull(position)) ignoreRejections(output, resolved);
        else position.container[position.key] = complete();
      } catch (error) {
        ignoreRejections(output, resolved);
        this.#failLater(error, field.nodes, position);
      } finally {
        if (--this.#pending === 0) this.#onIdle();
      }
    };
    const reject = (error: unknown) =>
      settle(() => {
        throw error;
      });
    const resolve = (resolved: unknown) =>
      settle(() => this.#completeAwaited(resolved, field, output, position), resolved);
    value.then(resolve, reject);
  }

  #completeAwaited(value: unknown, field: FieldPlan, output: OutputPlan, position: Position): unknown {
    const isField = typeof position.key === 'string';
    if (isField && field.isMetered) countValue(this.context.response, field.memberBytes, value, output.kind === 'leaf');
    return this.#complete(output, value, field, position);
  }

  /** Returns the value in its form for the response. Throws when it is not of its type. */
  #complete(output: OutputPlan, value: unknown, field: FieldPlan, position: Position): unknown {
    if (output.kind === 'leaf') return completeLeaf(output, value, field);
    if (value instanceof Error) throw value;
    if (value === null || value === undefined) return completeNull(output, field);
    if (output.kind === 'list') return this.#completeList(output.item, value, field, position);
    const type =
      output.kind === 'object'
        ? output.type
        : runtimeTypeOf(output.type, value, this.context, this.#infoOf(field, position.prev));
    if (type.isTypeOf && !type.isTypeOf(value, this.context, this.#infoOf(field, position.prev)))
      throw new GraphQLError(`Expected value of type "${type}" but got another one.`, { nodes: field.nodes });
    const selection = this.plan.selectionOf(output, field.nodes, type, this.values);
    const object = { ...selection.template };
    this.#executeFields(selection, value, position, object);
    return object;
  }

  #completeList(item: OutputPlan, value: unknown, field: FieldPlan, position: Position): unknown[] {
    const items = itemsOf(value, field);
    const results: unknown[] = [];
    for (let index = 0; index < items.length; index++) {
      const place = new Position(position, index, undefined, results as unknown as Container, item.isNonNull);
      results.push(null);
      try {
        const next: unknown = items[index];
        if (isPromise(next)) this.#await(next, field, item, place);
        else results[index] = this.#complete(item, next, field, place);
      } catch (error) {
        this.#fail(error, field.nodes, place);
      }
    }
    return results;
  }

  /** Records the error of a nullable value, which is null then, or throws it. */
  #fail(error: unknown, nodes: readonly FieldNode[], position: Position): void {
    const located = locatedError(error, nodes, responsePathAsArray(position));
    if (position.isNonNull) throw located;
    position.container[position.key] = null;
    this.#record(located, position);
  }

  /** The same after the parents are complete: nulls the nearest nullable value. */
  #failLater(error: unknown, nodes: readonly FieldNode[], position: Position): void {
    const located = locatedError(error, nodes, responsePathAsArray(position));
    let nullable: Position | undefined = position;
    while (nullable?.isNonNull) nullable = nullable.prev;
    if (nullable) {
      nullable.container[nullable.key] = null;
      this.#record(located, nullable);
    } else this.#nullRoot(located);
  }

  #nullRoot(error: unknown): void {
    this.#isRootNulled = true;
    this.#errors.push(error instanceof GraphQLError ? error : locatedError(error, undefined, undefined));
  }

  #record(error: GraphQLError, position: Position): void {
    position.isNulled = true;
    this.#errors.push(error);
  }

  #isBelowNull(position: Position): boolean {
    for (let at: Position | undefined = position; at; at = at.prev) if (at.isNulled) return true;
    return this.#isRootNulled;
  }
}
