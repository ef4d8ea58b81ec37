import type { FieldMap, InputObjectRef, ObjectFieldBuilder, ObjectRef } from '@pothos/core';
import { builder, type Types } from '../core/builder.ts';
import { cost, type FieldCostOptions } from '../core/field-cost.ts';
import { Failure } from './failure.ts';
import { COMMON_CASES, COMMON_FAILURES } from './failure-types.ts';
import { type ExecutableMutation, mutationResolver } from './mutation-resolver.ts';

builder.mutationType({
  description:
    'Changes data. Each mutation returns a union of its success and its failures: select `... on Error { code message }` beside the success. A gateway with a real upstream allows mutations only with ALLOW_MUTATIONS=on; otherwise they return ForbiddenError. The mutations of one operation are executed one after the other; a failed one does not stop the next.',
});

/** A mutation `doThing`: its field, its type `DoThingSuccess` and its union `DoThingResult` are made from this. */
interface Mutation<Input, Success extends object, Own extends FailureRef>
  extends ExecutableMutation<Input, Success, Own['$inferType']> {
  readonly description: string;
  readonly cost: FieldCostOptions;
  /** The type `DoThingInput`. */
  readonly input: InputObjectRef<Types, Input>;
  /** The first sentence of the description of the union. */
  readonly result: string;
  readonly success: {
    readonly description: string;
    /** Annotate its parameter: it determines the type `Success`. */
    readonly affectedId: (success: Success) => string | undefined;
    readonly fields: (t: ObjectFieldBuilder<Types, Success>) => FieldMap;
  };
  /** The failures beside the common ones. */
  readonly failures: readonly Own[];
  /** When the mutation returns each of them, as lines of the description of the union. */
  readonly failureCases: readonly string[];
}

type FailureRef = ObjectRef<Types, Failure>;

/** The prefix of the types of a mutation: `DoThing` for `doThing`. */
export const typePrefix = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** Returns the description of the union: when the mutation returns each of its members. */
function describeResult(summary: string, success: string, failureCases: readonly string[]): string {
  const cases = [success, ...failureCases, ...COMMON_CASES];
  return `${summary}\n\n${cases.map((line) => `- ${line}`).join('\n')}`;
}

/** Defines a mutation. */
export function defineMutation<Input, Success extends object, Own extends FailureRef>(
  mutation: Mutation<Input, Success, Own>,
): void {
  const { name, role, description, input, success, failures } = mutation;
  const prefix = typePrefix(name);
  const successType = builder.objectRef<Success>(`${prefix}Success`).implement({
    description: success.description,
    isTypeOf: (value) => !(value instanceof Failure),
    fields: success.fields,
  });
  const result = builder.unionType(`${prefix}Result`, {
    description: describeResult(mutation.result, `\`${prefix}Success\`: ${success.description}`, mutation.failureCases),
    types: [successType, ...failures, ...COMMON_FAILURES],
  });
  const resolve = mutationResolver<Input, Success, Own['$inferType']>(mutation);
  builder.mutationField(name, (t) =>
    t.field({
      type: result,
      nullable: false,
      description: `${description} Requires the role \`${role}\`.`,
      args: {
        input: t.arg({
          type: input,
          required: true,
          description: `The values of the mutation: see \`${prefix}Input\`.`,
        }),
      },
      extensions: cost(mutation.cost),
      resolve: resolve as never, // Pothos cannot type a resolver of generic types; `Mutation` has checked them.
    }),
  );
}
