import type { ExecutionResult } from 'graphql';
import type { ResponseMeter } from '../../request/response-meter.ts';
import { jsonBytes, MAX_EXPANSION } from '../../upstream/json/size.ts';
import { limitViolationError } from '../limits/query-limits.ts';

/** Estimated bytes of an error as JSON. Messages have at most 500 characters. */
const BYTES_PER_ERROR = 500;

/**
 * Returns the result, or an error in its place when its JSON would exceed the maximum: before that text is created, as it
 * can take many times the memory of the values. Most results are so small that their lower bound decides.
 */
export function limitResponse(result: ExecutionResult, meter: ResponseMeter): ExecutionResult {
  if (isWithinLimit(result, meter)) return result;
  return { data: null, errors: [limitViolationError({ limit: 'responseBytes', max: meter.maxBytes })] };
}

function isWithinLimit({ data, errors = [] }: ExecutionResult, meter: ResponseMeter): boolean {
  if (meter.isExceeded) return false;
  const maxDataBytes = meter.maxBytes - BYTES_PER_ERROR * errors.length;
  return MAX_EXPANSION * meter.bytes <= maxDataBytes || jsonBytes(data, maxDataBytes) <= maxDataBytes;
}
