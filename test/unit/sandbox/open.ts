import { onTestFinished } from 'vitest';
import { createSandbox, type SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { createTestClock } from '../../kit/clock.ts';

export interface WireJob {
  readonly id: string;
  readonly created_at: number;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly model: string;
  readonly fine_tuned_model: string | null;
  readonly training_file: string;
  readonly validation_file: string | null;
  readonly result_files: readonly string[];
  readonly finished_at: number | null;
  readonly method: { readonly type: string };
  readonly hyperparameters?: { readonly n_epochs: unknown } | null;
  readonly error: { readonly code?: string; readonly message?: string };
}

export interface WireEvent {
  readonly id: string;
  readonly created_at: number;
  readonly level: string;
  readonly message: string;
  readonly type: string;
  readonly data?: Readonly<Record<string, unknown>> | null;
}

export interface WireFile {
  readonly id: string;
  readonly bytes: number;
  readonly created_at: number;
  readonly filename: string;
  readonly purpose: string;
  readonly status: string;
}

/** Opens a sandbox until the end of the test. The paths of `get` are below the base URL; the default headers have a key. */
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
    /** The status and the JSON body of a GET. */
    getJson: async (path: string) => {
      const response = await get(path);
      return { status: response.status, body: await response.json() };
    },
    /** The items of a list page, as the type that the test expects. */
    list: async <T>(path: string): Promise<T[]> => ((await (await get(path)).json()) as { data: T[] }).data,
    /** The content of a file. */
    content: async (id: string) => (await get(`/files/${id}/content`)).text(),
    /** The jobs of a list page. */
    jobs: async (query = '?limit=1000'): Promise<WireJob[]> => {
      const response = await get(`/fine_tuning/jobs${query}`);
      // The assertions of the test check the shape.
      const { data } = (await response.json()) as { data: WireJob[] };
      return data;
    },
  };
}
