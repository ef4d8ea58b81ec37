import { curlTo, quote } from '../data/curl.ts';

const QUERY = `query Job($jobId: ID!) {
  fineTuningJob(id: $jobId) {
    id status modelId suffix createdAt endedAt fineTunedModelId
    error { code message param }
    progress { step totalSteps fraction }
    metrics { points { step trainLoss validLoss fullValidLoss } }
    events(first: 20) { nodes { createdAt level message } }
  }
}`;

/** A query of the job with its id in place of the variable. */
export const asGraphql = (jobId: string): string =>
  QUERY.replace('query Job($jobId: ID!) ', '').replace('$jobId', () => JSON.stringify(jobId));

/** A shell command of the same query. */
export function asCurl(jobId: string, url: string, needsToken: boolean): string {
  const body = JSON.stringify({ query: QUERY.replace(/\s+/g, ' '), variables: { jobId } });
  return `${curlTo(url, needsToken)} --json ${quote(body)}`;
}
