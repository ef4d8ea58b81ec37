import { createTestClock, type TestClock } from './clock.ts';
import { type Answer, startGateway, type TestGateway } from './gateway.ts';
import { type ScriptedUpstream, startUpstream } from './upstream.ts';

/** A gateway before a scripted upstream, with a clock that only the test turns. */
export interface World extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly gateway: TestGateway;
  readonly clock: TestClock;
  /** The data of an answer that has to be without errors. */
  ask(query: string, variables?: Record<string, unknown>): Promise<NonNullable<Answer['data']>>;
  /** The targets of the upstream calls so far, below the base URL, without their queries. */
  targets(): string[];
}

export async function startWorld(settings: Record<string, string> = {}): Promise<World> {
  const clock = createTestClock();
  const upstream = await startUpstream();
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...settings }, clock);
  return {
    upstream,
    gateway,
    clock,
    async ask(query, variables) {
      const { data, errors } = await gateway.query(query, variables);
      if (errors || !data) throw new Error(`no answer, but ${JSON.stringify(errors)}`);
      return data;
    },
    targets: () => upstream.calls.map(({ target }) => target.split('?')[0] ?? ''),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
