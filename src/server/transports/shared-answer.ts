import type { DocumentNode } from 'graphql';
import { type Identity, loggedContextOf } from '../../request/context.ts';
import { CacheReads } from '../../store/cache/cache-reads.ts';
import type { RawParams } from '../graphql/params.ts';
import type { CachedResponse, ResponseCache } from '../graphql/response-cache.ts';
import type { Execution, SharedExecutions } from '../graphql/shared-execution.ts';
import type { ResponseTypes } from '../http/content-negotiation.ts';
import { HttpError } from '../http/http-error.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import {
  type ExecutionOptions,
  executeRequest,
  type GraphqlRequest,
  isCostRequestedBy,
  type Outcome,
  type StartableOperation,
} from './request-execution.ts';

/** The components that equal requests share their responses by. */
export interface SharingOptions {
  readonly responseCache: ResponseCache;
  readonly sharedExecutions: SharedExecutions<Outcome>;
  /** Whether a document may select fields that depend on the single caller. */
  readonly isPrivate: (document: DocumentNode) => boolean;
  /** Returns the generation of the responses of a credential: a number that changes with each mutation. */
  readonly generationOf: (access: Identity['access']) => number;
}

type AnswerOptions = ExecutionOptions & SharingOptions;

/** The operation of a request, as it was sent. */
export interface SentOperation {
  readonly source: string;
  readonly readParams: () => RawParams;
  readonly types: ResponseTypes;
  /** Whether the response is cached, so that equal requests pay one point only. */
  readonly isCached: boolean;
}

/** A request, and how it is executed. */
interface Question extends SentOperation {
  readonly options: AnswerOptions;
  readonly graphqlRequest: GraphqlRequest;
  /** Has everything that determines the response. */
  readonly key: string;
}

/**
 * Answers a request from the cache, by an equal execution in progress, or by an execution that equal requests can join. Each
 * request pays its own price.
 */
export function answer(
  options: AnswerOptions,
  graphqlRequest: GraphqlRequest,
  { source, readParams, types, isCached }: SentOperation,
): Promise<Outcome['reply']> | Outcome['reply'] {
  const { responseCache, sharedExecutions, generationOf } = options;
  const { access, viewer } = graphqlRequest.identity;
  const key = `${access.scope} ${viewer.role} ${generationOf(access)} ${types.single} ${source}`;
  const cached = isCached ? responseCache.get(key) : undefined;
  if (cached && !responseCache.startRefresh(cached)) return hit(graphqlRequest, cached);
  const question: Question = { options, graphqlRequest, key, source, types, readParams, isCached };
  if (cached) return refresh(question, cached);
  const execution = sharedExecutions.find(key);
  reads.missed(execution !== undefined);
  return execution ? follow(question, execution, graphqlRequest.budget) : lead(question);
}

function hit({ exchange }: GraphqlRequest, { reply, context }: CachedResponse): Outcome['reply'] {
  exchange.context = context;
  reads.hit();
  return reply;
}

const reads = new CacheReads('response');

/**
 * Executes a cached request anew, before its response expires. The reader gets the cached response when that fails, or when it
 * has too few points.
 */
async function refresh(question: Question, cached: CachedResponse): Promise<Outcome['reply']> {
  const { graphqlRequest, options } = question;
  const { responseCache } = options;
  try {
    const reply = await lead(question, true);
    if (reply.errorCodes === undefined || !responseCache.isFresh(cached)) return reply;
  } catch (error) {
    if (!(error instanceof HttpError) || !responseCache.isFresh(cached)) throw error;
    responseCache.releaseRefresh(cached);
  } finally {
    if (graphqlRequest.client.isAborted) responseCache.releaseRefresh(cached);
  }
  return hit(graphqlRequest, cached);
}

/** Executes the request. Equal requests can join once it is paid, if its result is the same for all of them. */
async function lead(question: Question, refreshAhead = false): Promise<Outcome['reply']> {
  const { options, graphqlRequest, types, readParams } = question;
  const around = (operation: StartableOperation) => shareOutcome(question, operation);
  return (await executeRequest(options, graphqlRequest, readParams(), types, { refreshAhead, around })).reply;
}

async function shareOutcome(question: Question, operation: StartableOperation): Promise<Outcome> {
  const { options, graphqlRequest, key, isCached } = question;
  const { responseCache, sharedExecutions, isPrivate } = options;
  const { prepared, context, execution, viewer } = operation;
  const { document, operation: definition, cost, payment } = prepared;
  if (definition.operation !== 'query' || isCostRequestedBy(prepared) || isPrivate(document)) return operation.start();
  const running = sharedExecutions.find(key); // Race: an equal request was prepared at the same time.
  if (running) return { reply: await follow(question, running, graphqlRequest.budget, cost - 1) };
  viewer.share();
  execution.cost = cost;
  const logged = loggedContextOf(context, 0);
  execution.context = logged;
  context.readContext.payment = execution.watch(payment);
  const outcome = operation.start();
  sharedExecutions.add(key, execution, outcome);
  const { reply, freshUntil } = await outcome;
  const isCacheable = isCached && freshUntil !== undefined && !execution.isRefused && 'body' in reply;
  if (isCacheable) responseCache.set(key, { reply, context: logged }, freshUntil);
  return await outcome;
}

/** Waits for an equal execution. Executes the request alone when the other caller had too few points. */
async function follow(
  { options, graphqlRequest, types, readParams }: Question,
  execution: Execution<Outcome>,
  budget: CallerBudget,
  paidPoints = 0,
): Promise<Outcome['reply']> {
  const { caller, client, exchange } = graphqlRequest;
  const { cost, context } = execution;
  if (context) exchange.context = context;
  const leave = execution.join(caller, client);
  try {
    const paid = cost - 1 > paidPoints ? budget.spend(cost - 1 - paidPoints) : undefined; // As `prepare` does.
    if (paid) await paid;
  } catch (error) {
    leave();
    throw error;
  }
  const outcome = await execution.outcome;
  if (outcome !== undefined && !execution.isRefused) return outcome.reply;
  const prepaid = prepaidBudget(budget, cost - 1);
  return (await executeRequest(options, graphqlRequest, readParams(), types, { budget: prepaid })).reply;
}

/** Returns a budget whose first points are already spent. */
function prepaidBudget(budget: CallerBudget, points: number): CallerBudget {
  let left = points;
  const spend = (needed: number) => {
    const prepaid = Math.min(left, needed);
    left -= prepaid;
    return needed > prepaid ? budget.spend(needed - prepaid) : undefined;
  };
  return Object.create(budget, { spend: { value: spend } });
}
