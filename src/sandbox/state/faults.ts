/**
 * What goes wrong with one request, for tests of those who have to live with it. Of the first four the sandbox has done
 * nothing; of the others it has done what it was asked, and only the answer is bad.
 */
export type Fault =
  | 'cut_at_once'
  | 'cut_in_body'
  | 'cut_after_body'
  | 'fail_before'
  | 'cut_before_answer'
  | 'cut_after_status'
  | 'cut_in_answer'
  | 'fail_after'
  | 'silence';

const IS_BEFORE: Record<Fault, boolean> = {
  cut_at_once: true,
  cut_in_body: true,
  cut_after_body: true,
  fail_before: true,
  cut_before_answer: false,
  cut_after_status: false,
  cut_in_answer: false,
  fail_after: false,
  silence: false,
};

export const isBefore = (fault: Fault) => IS_BEFORE[fault];

/** The filter of the list of jobs as servers have it: by the rules, not at all, or late to know a new job. */
export type FilterFault = 'none' | 'ignored' | { readonly lagsMs: number };

export interface Faults {
  /** How the metadata filter fails from now on. */
  filter: FilterFault;
  /** Lets the next requests of this method and path, one for each fault, go wrong so. A path is one below the base URL. */
  onNext(method: string, path: string, ...faults: readonly Fault[]): void;
  /** What goes wrong with this request, which is then one of the next no more. */
  take(method: string, path: string): Fault | undefined;
}

export function createFaults(): Faults {
  const waiting = new Map<string, Fault[]>();
  return {
    filter: 'none',
    onNext(method, path, ...faults) {
      const key = `${method} ${path}`;
      waiting.set(key, [...(waiting.get(key) ?? []), ...faults]);
    },
    take: (method, path) => waiting.get(`${method} ${path}`)?.shift(),
  };
}
