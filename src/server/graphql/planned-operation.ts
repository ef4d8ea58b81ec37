import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { Context } from '../../request/context.ts';
import { fragmentsOf } from '../limits/fragments.ts';
import { Execution } from './executor.ts';
import { OperationPlan, type VariableValues } from './plan.ts';

/** Maximum plans of one operation: each combination of the variables in `@skip` and `@include` has its own. */
const MAX_PLANS = 8;

type Variables = Readonly<Record<string, unknown>>;

/** A query or a mutation that is planned at its first executions. */
export interface PlannedOperation {
  /** Executes the operation, as `execute` of graphql-js does. The errors are not masked. */
  execute(context: Context, variables: Variables): ExecutionResult | Promise<ExecutionResult>;
  /** Number of planned fields in memory. */
  readonly plannedFields: number;
}

export interface PlannedOperationOptions {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Whether errors suggest no names of the schema. */
  readonly hideSuggestions: boolean;
}

export function planOperation({
  schema,
  document,
  operation,
  hideSuggestions,
}: PlannedOperationOptions): PlannedOperation {
  const planOptions = { schema, operation, hideSuggestions, fragments: fragmentsOf(document) };
  const coercionOptions = { maxErrors: MAX_COERCION_ERRORS, hideSuggestions };
  const conditions = variablesInConditions(document);
  const plans = new Map<string, OperationPlan>();

  function planFor({ coerced }: VariableValues): OperationPlan {
    const key = conditions.length === 0 ? '' : conditions.map((name) => String(coerced[name])).join();
    const known = plans.get(key);
    if (known) return known;
    if (plans.size >= MAX_PLANS) plans.clear();
    const plan = new OperationPlan(planOptions);
    plans.set(key, plan);
    return plan;
  }

  return {
    execute(context, variables) {
      const { variableValues, errors } = getVariableValues(
        schema,
        operation.variableDefinitions ?? [],
        variables,
        coercionOptions,
      );
      return errors ? { errors } : new Execution(planFor(variableValues), context, variableValues).execute();
    },
    get plannedFields() {
      return plans.values().reduce((fields, plan) => fields + plan.size, 0);
    },
  };
}

/** The default of graphql-js. */
const MAX_COERCION_ERRORS = 50;

/** Returns the names of all variables in `@skip` and `@include`. */
function variablesInConditions(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  visit(document, {
    Directive({ arguments: [condition] = [] }) {
      if (condition?.value.kind === Kind.VARIABLE) names.add(condition.value.name.value);
    },
  });
  return [...names];
}
