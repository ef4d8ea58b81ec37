import { onTestFinished } from 'vitest';
import { createSandbox, type SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { createTestClock } from '../../kit/clock.ts';

export interface WireJob {
  readonly id: string;
  readonly created_at: number;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** Opens a sandbox until the end of the test. `get` asks below `/v1`, with a key unless other headers are given. */
export async function openSandbox(options: Partial<SandboxOptions> = {}) {
  const clock = createTestClock();
  const sandbox = await createSandbox({ clock, speed: 10, seed: 1, ...options });
  onTestFinished(() => sandbox.dispose());
  const get = (path: string, init: RequestInit = { headers: { authorization: 'Bearer any' } }) =>
    fetch(sandbox.baseUrl + path, init);
  return {
    ...sandbox,
    clock,
    get,
    /** What a GET is answered: the status and the body. */
    ask: async (path: string) => {
      const response = await get(path);
      return { status: response.status, body: await response.json() };
    },
    /** The jobs of one list answer. */
    jobs: async (query = '?limit=1000'): Promise<WireJob[]> => {
      const response = await get(`/fine_tuning/jobs${query}`);
      // The borders of the test: whatever else it is, the test that asks for it will see.
      const { data } = (await response.json()) as { data: WireJob[] };
      return data;
    },
  };
}
