import type { OperationFacts } from '../../request/context.ts';
import { operationEnded } from '../../telemetry/events.ts';
import { endSpan, type SpanEvent } from '../../telemetry/spans.ts';

/** Reports the end of an operation, with the codes of its errors. */
export function reportOperation(facts: OperationFacts, errorCodes: readonly string[] | undefined): void {
  if (!operationEnded.hasSubscribers) return;
  const { operationName: name, operationType: type = 'unknown', isTrusted } = facts;
  operationEnded.publish({ type, name, isTrusted, errorCode: errorCodes?.[0] });
}

/** Ends the span of an operation. That of a subscription ends when it has started. */
export function endOperationSpan(
  span: SpanEvent,
  facts: OperationFacts | undefined,
  errorCodes: readonly string[] | undefined,
): void {
  if (span.handle === null) return; // Not recorded.
  const type = facts?.operationType ?? 'unknown';
  span.name = `GraphQL ${type}`;
  const attributes = { 'graphql.operation.type': type, 'graphql.operation.name': facts?.operationName?.slice(0, 100) };
  endSpan(span, attributes, errorCodes?.[0]);
}
