import { randomUUID } from 'node:crypto';
import {
  type ExecutionResult,
  executeSubscriptionEvent,
  type FieldNode,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  locatedError,
  type ValidatedSubscriptionArgs,
  validateSubscriptionArgs,
} from 'graphql';
import type { Context, ContextFactory, Identity } from '../../request/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { endSpan, spanStarted, startSpan } from '../../telemetry/spans.ts';
import type { TraceContext } from '../../telemetry/trace-context.ts';
import { type Claimant, linksOf } from '../../upstream/resilience/call-claims.ts';
import { toClientResult } from '../graphql/error-masking.ts';
import type { Prepared } from '../graphql/prepare.ts';
import { limitResponse } from '../graphql/response-limit.ts';
import { observationTime } from './delivery-events.ts';
import { type RenderedEvent, Rendering } from './rendering.ts';

/** Executes the events of one subscription, each once for all subscribers. */
export interface EventRenderer {
  readonly args: ValidatedSubscriptionArgs;
  /** Creates a context whose work ends when the signal is aborted. */
  contextOf(signal: AbortSignal): Context;
  /** Executes an event of the source. Returns the same rendering for the same event. It fails when disposed before its end. */
  renderEvent(event: object): Rendering;
  /** Renders an error that ends the source. Returns the same object for the same error, which is logged once. */
  renderError(error: unknown): RenderedEvent;
  /** Aborts all executions, because no subscriber is left. */
  dispose(): void;
}

export interface EventRendererOptions {
  schema: GraphQLSchema;
  createContext: ContextFactory;
  /** Whether errors suggest no names of the schema. */
  hideSuggestions: boolean;
  log: Logger;
}

/**
 * Creates a renderer, or returns the errors when the variables are invalid. `claimant` owns the turns of the upstream calls
 * of its events, and pays for them.
 */
export function createEventRenderer(
  { schema, createContext, hideSuggestions, log }: EventRendererOptions,
  { document, operationName, params }: Prepared,
  identity: Identity,
  claimant: Claimant,
): EventRenderer | ExecutionResult {
  const requestId = randomUUID(); // Its own id: the first subscriber can leave long before the others.
  const contextOf = (signal: AbortSignal, trace?: TraceContext | null) =>
    createContext({ requestId, signal, identity, claimant: trace ? { ...claimant, trace } : claimant });
  const render = (result: ExecutionResult, observedAt?: number): RenderedEvent => {
    const clientResult = toClientResult(result, requestId, log);
    return { result: clientResult, json: JSON.stringify(clientResult), observedAt, frames: new Map() };
  };
  const validated = validateSubscriptionArgs({
    schema,
    document,
    operationName,
    variableValues: params.variables,
    hideSuggestions,
  });
  if (!('schema' in validated)) return render({ errors: validated }).result;
  const args: ValidatedSubscriptionArgs = validated;

  const renderings = new WeakMap<object, Rendering>();
  const renderedErrors = new WeakMap<object, RenderedEvent>();
  const executions = new Set<AbortController>();

  async function execute(event: object): Promise<RenderedEvent> {
    const controller = new AbortController(); // One per event, so that its listeners are collected with it.
    const observedAt = observationTime(event);
    const span = spanStarted.hasSubscribers ? startSpan('delivery', 'delivery', null, linksOf(claimant.callers)) : null;
    const contextValue = contextOf(controller.signal, span?.context); // A new one per event, so that its loaders read current data.
    executions.add(controller);
    try {
      const result = await executeSubscriptionEvent({ ...args, rootValue: event, contextValue });
      controller.signal.throwIfAborted();
      return render(limitResponse(result, contextValue.response), observedAt);
    } catch (error) {
      renderings.delete(event);
      throw error;
    } finally {
      endSpan(span, {
        'graphql.operation.type': 'subscription',
        'graphql.operation.name': operationName?.slice(0, 100),
      });
      executions.delete(controller);
    }
  }

  return {
    args,
    contextOf,
    renderEvent(event) {
      const known = renderings.get(event);
      if (known) return known;
      const rendering = new Rendering(execute(event));
      renderings.set(event, rendering);
      return rendering;
    },
    renderError(error) {
      const key = Object(error); // A primitive gets a new object.
      const known = renderedErrors.get(key);
      if (known) return known;
      const rendered = render({ errors: [atRootField(error, args)] });
      renderedErrors.set(key, rendered);
      return rendered;
    },
    dispose() {
      for (const controller of executions) controller.abort(new Error('The last subscriber has left.'));
    },
  };
}

/** Locates the error at the operation's only root field. */
function atRootField(error: unknown, args: ValidatedSubscriptionArgs): GraphQLError {
  const field = rootFieldOf(args);
  return locatedError(error, field, field && [(field.alias ?? field.name).value]);
}

function rootFieldOf({ operation, fragmentDefinitions }: ValidatedSubscriptionArgs): FieldNode | undefined {
  let [first] = operation.selectionSet.selections;
  while (first && first.kind !== Kind.FIELD) {
    const { selectionSet } =
      first.kind === Kind.INLINE_FRAGMENT ? first : Object(fragmentDefinitions[first.name.value]);
    [first] = selectionSet?.selections ?? [];
  }
  return first;
}
