import { onTestFinished } from 'vitest';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { type DashboardGateway, startDashboardGateway } from './gateway.ts';

/** A gateway in a process of its own, on an upstream with the responses of the test. */
export async function startScriptedDashboard(): Promise<DashboardGateway & { upstream: ScriptedUpstream }> {
  const upstream = await startUpstream();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const gateway = await startDashboardGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: `test-${crypto.randomUUID()}`,
    UPSTREAM_MAX_RPS: '100000',
    POLL_INTERVAL_MS: '500',
  });
  return { ...gateway, upstream };
}
