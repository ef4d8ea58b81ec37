import type { BoardJobFragment, FineTuningJobMethodType, FineTuningJobStatus } from '../operations/generated.ts';
import { hasMetadata, readTerms } from './metadata-filter.ts';

/** All statuses in the order of a job's life. */
export const STATUSES: readonly FineTuningJobStatus[] = [
  'VALIDATING_FILES',
  'QUEUED',
  'RUNNING',
  'PAUSING',
  'PAUSED',
  'RESUMING',
  'CANCELLING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'UNKNOWN',
];

export const METHODS: readonly FineTuningJobMethodType[] = ['SUPERVISED', 'DPO', 'REINFORCEMENT', 'UNKNOWN'];

export type SortKey = 'created' | 'status' | 'job' | 'model' | 'method';

const SORT_KEYS: readonly SortKey[] = ['created', 'status', 'job', 'model', 'method'];

/** The filters and the order of the board, as its URL has them. An empty filter selects all jobs. */
export interface BoardView {
  /** Words that the id, suffix, model, method or metadata contain. */
  readonly text: string;
  readonly statuses: readonly FineTuningJobStatus[];
  readonly modelId: string;
  readonly method: FineTuningJobMethodType | '';
  /** Pairs such as `team=support` or keys, separated by commas. A value or key is matched by its beginning. */
  readonly metadata: string;
  readonly sortKey: SortKey;
  readonly isDescending: boolean;
}

/** Newest first. */
const DEFAULT_SORT = '-created';

/** Reads the view from the URL. Skips what this version does not know. */
export function readBoardView(params: URLSearchParams): BoardView {
  const statuses = (params.get('status') ?? '').split(',');
  const sort = params.get('sort') ?? DEFAULT_SORT;
  const sortKey = SORT_KEYS.find((key) => key === sort.replace('-', ''));
  return {
    text: params.get('q') ?? '',
    statuses: STATUSES.filter((status) => statuses.includes(status)),
    modelId: params.get('model') ?? '',
    method: METHODS.find((method) => method === params.get('method')) ?? '',
    metadata: params.get('metadata') ?? '',
    sortKey: sortKey ?? 'created',
    isDescending: sortKey === undefined || sort.startsWith('-'),
  };
}

/** The parameters of the URL for a view; null for a default. */
export function writeView(view: BoardView): Record<string, string | null> {
  const sort = `${view.isDescending ? '-' : ''}${view.sortKey}`;
  return {
    q: view.text || null,
    status: view.statuses.join(',') || null,
    model: view.modelId || null,
    method: view.method || null,
    metadata: view.metadata || null,
    sort: sort === DEFAULT_SORT ? null : sort,
  };
}

/** The view without filters, in the same order. */
export const withoutFilters = (view: BoardView): BoardView => ({
  ...view,
  text: '',
  statuses: [],
  modelId: '',
  method: '',
  metadata: '',
});

export const hasFilter = ({ text, statuses, modelId, method, metadata }: BoardView): boolean =>
  [text.trim(), modelId, method, metadata.trim()].some((value) => value !== '') || statuses.length > 0;

/** Whether the newest jobs alone do not show the beginning of the view. */
export const needsAllJobs = (view: BoardView): boolean =>
  hasFilter(view) || view.sortKey !== 'created' || !view.isDescending;

/** The jobs of a view, in its order. */
export function selectJobs(jobs: readonly BoardJobFragment[], view: BoardView): readonly BoardJobFragment[] {
  const { statuses } = view;
  const selected = matchingJobs(jobs, view).filter(({ status }) => statuses.length === 0 || statuses.includes(status));
  const sign = view.isDescending ? -1 : 1;
  return selected.sort((a, b) => sign * compareBy(view.sortKey, a, b) || newestFirst(a, b));
}

/** The number of jobs by status that the other filters select. */
export function countStatuses(
  jobs: readonly BoardJobFragment[],
  view: BoardView,
): ReadonlyMap<FineTuningJobStatus, number> {
  const counts = new Map<FineTuningJobStatus, number>();
  for (const { status } of matchingJobs(jobs, view)) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

/** Applies all filters but that of the status. */
function matchingJobs(jobs: readonly BoardJobFragment[], view: BoardView): BoardJobFragment[] {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const terms = readTerms(view.metadata);
  return jobs.filter(
    (job) =>
      (view.modelId === '' || job.modelId === view.modelId) &&
      (view.method === '' || job.method?.type === view.method) &&
      hasMetadata(job, terms) &&
      (words.length === 0 || hasWords(job, words)),
  );
}

function hasWords({ id, suffix, modelId, method, metadata }: BoardJobFragment, words: readonly string[]): boolean {
  const pairs = metadata.map(({ key, value }) => `${key}=${value}`);
  const text = [id, suffix, modelId, method?.rawType, ...pairs].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The name of a job in the list. */
export const jobName = ({ suffix, id }: BoardJobFragment): string => suffix || id;

const newestFirst = (a: BoardJobFragment, b: BoardJobFragment): number =>
  b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);

function compareBy(key: SortKey, a: BoardJobFragment, b: BoardJobFragment): number {
  switch (key) {
    case 'created':
      return a.createdAt - b.createdAt;
    case 'status':
      return STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status);
    case 'job':
      return COLLATOR.compare(jobName(a), jobName(b));
    case 'model':
      return COLLATOR.compare(a.modelId, b.modelId);
    case 'method':
      return COLLATOR.compare(a.method?.rawType ?? '', b.method?.rawType ?? '');
  }
}

const COLLATOR = new Intl.Collator('en', { numeric: true });
