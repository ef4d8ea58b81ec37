/**
 * A fault of one request, injected by tests. The first four occur before the sandbox handles the request; with the
 * others it handles the request, and only the response is faulty.
 */
export type Fault =
  | 'cut_at_once'
  | 'cut_in_body'
  | 'cut_after_body'
  | 'fail_before'
  | 'cut_before_response'
  | 'cut_after_status'
  | 'cut_in_response'
  | 'fail_after'
  | 'silence';

const IS_BEFORE_HANDLING: Record<Fault, boolean> = {
  cut_at_once: true,
  cut_in_body: true,
  cut_after_body: true,
  fail_before: true,
  cut_before_response: false,
  cut_after_status: false,
  cut_in_response: false,
  fail_after: false,
  silence: false,
};

export const isBeforeHandling = (fault: Fault) => IS_BEFORE_HANDLING[fault];

/** A fault of the metadata filter: the server ignores it, or it finds a job only after a lag in milliseconds. */
export type FilterFault = 'none' | 'ignored' | { readonly lagsMs: number };

export interface Faults {
  /** The fault of the metadata filter from now on. */
  filter: FilterFault;
  /** Injects the faults into the next requests of this method and path, one each. The path is below the base URL. */
  onNext(method: string, path: string, ...faults: readonly Fault[]): void;
  /** Removes and returns the fault of this request. */
  take(method: string, path: string): Fault | undefined;
}

export function createFaults(): Faults {
  const queues = new Map<string, Fault[]>();
  return {
    filter: 'none',
    onNext(method, path, ...faults) {
      const key = `${method} ${path}`;
      queues.set(key, [...(queues.get(key) ?? []), ...faults]);
    },
    take: (method, path) => queues.get(`${method} ${path}`)?.shift(),
  };
}
