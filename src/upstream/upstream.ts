import { createHttp, type HttpOptions } from './http.ts';
import { createJobResource, type JobResource } from './job.ts';

/** The REST API: one resource per noun of its URLs, nothing kept, nothing shared. */
export interface Upstream {
  readonly jobs: JobResource;
  /** Closes every connection. */
  dispose(): Promise<void>;
}

export function createUpstream(options: HttpOptions): Upstream {
  const http = createHttp(options);
  return { jobs: createJobResource(http), dispose: http.dispose };
}
