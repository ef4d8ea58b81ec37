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
import { toClientResult } from '../graphql/error-masking.ts';
import type { Prepared } from '../graphql/prepare.ts';

/** What one event of a subscription is to clients. Equal subscriptions get the same object. */
export interface RenderedEvent {
  readonly result: ExecutionResult;
  readonly json: string;
  /** Its bytes by the format that they are in, made when they are first needed. */
  readonly frames: Map<object, Buffer>;
}

/** Executes the events of one subscription: each once, however many ask for it. */
export interface EventRenderer {
  readonly args: ValidatedSubscriptionArgs;
  /** A context for one thing to do, until its signal is aborted. */
  contextOf(signal: AbortSignal): Context;
  /** What an item of the source is to clients: the same item the same. Rejects when it was disposed of meanwhile. */
  renderEvent(item: object): Promise<RenderedEvent>;
  /** What clients see of an error that ends the source: the same error the same, and told once to the log. */
  renderError(error: unknown): RenderedEvent;
  /** Aborts what is under way: nobody waits for it any more. */
  dispose(): void;
}

export interface EventRendererOptions {
  schema: GraphQLSchema;
  createContext: ContextFactory;
  /** Whether errors suggest no names of the schema. */
  hideSuggestions: boolean;
  log: Logger;
}

/** Gives the errors instead when the variables do not fit. */
export function createEventRenderer(
  { schema, createContext, hideSuggestions, log }: EventRendererOptions,
  { document, operationName, params }: Prepared,
  identity: Identity,
): EventRenderer | ExecutionResult {
  const requestId = randomUUID(); // Whoever has begun it may leave long before the others.
  const contextOf = (signal: AbortSignal) => createContext({ requestId, signal, identity });
  const show = (result: ExecutionResult): RenderedEvent => {
    const shown = toClientResult(result, requestId, log);
    return { result: shown, json: JSON.stringify(shown), frames: new Map() };
  };
  const validated = validateSubscriptionArgs({
    schema,
    document,
    operationName,
    variableValues: params.variables,
    hideSuggestions,
  });
  if (!('schema' in validated)) return show({ errors: validated }).result;
  const args: ValidatedSubscriptionArgs = validated;

  const events = new WeakMap<object, Promise<RenderedEvent>>();
  const failures = new WeakMap<object, RenderedEvent>();
  const underWay = new Set<AbortController>();

  async function execute(item: object): Promise<RenderedEvent> {
    const controller = new AbortController(); // One for each, so that what listens to it goes with it.
    const contextValue = contextOf(controller.signal); // Fresh, so that its loaders read what is there now.
    underWay.add(controller);
    try {
      const result = await executeSubscriptionEvent({ ...args, rootValue: item, contextValue });
      controller.signal.throwIfAborted();
      return show(result);
    } catch (error) {
      events.delete(item);
      throw error;
    } finally {
      underWay.delete(controller);
    }
  }

  return {
    args,
    contextOf,
    renderEvent(item) {
      const known = events.get(item);
      if (known) return known;
      const event = execute(item);
      events.set(item, event);
      return event;
    },
    renderError(error) {
      const key = Object(error); // Of what is no object a new one.
      const known = failures.get(key);
      if (known) return known;
      const failure = show({ errors: [located(error, args)] });
      failures.set(key, failure);
      return failure;
    },
    dispose() {
      for (const controller of underWay) controller.abort(new Error('Nobody waits for it any more.'));
    },
  };
}

/** The error as one of the operation's only root field. */
function located(error: unknown, args: ValidatedSubscriptionArgs): GraphQLError {
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
