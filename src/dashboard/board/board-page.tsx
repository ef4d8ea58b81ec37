import { computed } from '@preact/signals';
import { useCallback, useEffect, useMemo, useRef } from 'preact/hooks';
import { Page } from '../app/page.tsx';
import { searchParams, setSearchParams } from '../app/router.ts';
import type { BoardJobFragment } from '../operations/generated.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { formatNumber } from '../ui/formats.ts';
import {
  type BoardView,
  hasFilter,
  needsAllJobs,
  readBoardView,
  type SortKey,
  selectJobs,
  withoutFilters,
  writeView,
} from './board-view.ts';
import { EmptyBoard } from './empty-board.tsx';
import { Filters } from './filters.tsx';
import { JobList } from './job-list.tsx';
import { followJobs, hasMoreJobs, isReadingJobs, jobs, jobsError, readMoreJobs, reloadJobs } from './job-store.ts';
import { explainNoMatch } from './metadata-filter.ts';
import { Selection } from './selection.tsx';

/** Jobs that a filter or an order reads by itself: ten pages. */
const MAX_READ_BY_ITSELF = 1000;

const viewInUrl = computed(() => readBoardView(searchParams.value));

export function BoardPage() {
  useEffect(followJobs, []);
  const all = jobs.value;
  return (
    <Page title="Jobs">
      {jobsError.value && <ErrorNotice error={jobsError.value} onRetry={reloadJobs} />}
      {all === null && jobsError.value === null && <p class="quiet">Reading the jobs…</p>}
      {all !== null &&
        (all.length === 0 && !hasMoreJobs.value ? <EmptyBoard /> : <Board all={all} view={viewInUrl.value} />)}
    </Page>
  );
}

function Board({ all, view }: { all: readonly BoardJobFragment[]; view: BoardView }) {
  const shown = useMemo(() => selectJobs(all, view), [all, view]);
  const change = (changes: Partial<BoardView>) => setSearchParams(writeView({ ...view, ...changes }));
  const sort = (sortKey: SortKey) => {
    const isDescending = view.sortKey === sortKey ? !view.isDescending : sortKey === 'created';
    change({ sortKey, isDescending });
  };
  const readAtEnd = useCallback(() => {
    if (jobsError.peek() === null) void readMoreJobs();
  }, []);
  /** Another read can end while the user is at the end of the list: then this one follows. */
  const isEndKept = isReadingJobs.value || needsAllJobs(view);
  const canRead = hasMoreJobs.value && !isReadingJobs.value && jobsError.value === null;
  const isReadDue = canRead && needsAllJobs(view) && all.length < MAX_READ_BY_ITSELF;
  useEffect(() => {
    if (isReadDue) void readMoreJobs();
  }, [isReadDue]);
  const search = useRef<HTMLInputElement>(null);
  const clear = () => {
    change(withoutFilters(view));
    search.current?.focus(); // The button disappears.
  };
  return (
    <>
      <Filters jobs={all} view={view} onChange={change} search={search} />
      <Summary all={all.length} shown={shown} view={view} onClear={clear} />
      {shown.length > 0 && <JobList jobs={shown} view={view} onSort={sort} onEnd={isEndKept ? doNothing : readAtEnd} />}
      {shown.length === 0 && !isReadingJobs.value && <NoMatch jobs={all} view={view} />}
      {canRead && !isReadDue && (
        <button type="button" class="button" onClick={readMoreJobs}>
          Read older jobs
        </button>
      )}
    </>
  );
}

const doNothing = () => {};

interface SummaryProps {
  all: number;
  shown: readonly BoardJobFragment[];
  view: BoardView;
  onClear: () => void;
}

/** How many jobs the page shows, of how many. */
function Summary({ all, shown, view, onClear }: SummaryProps) {
  const total = `${formatNumber(all)}${hasMoreJobs.value ? '+' : ''} ${all === 1 ? 'job' : 'jobs'}`;
  return (
    <div class="summary quiet">
      <span role="status" class="summary-count">
        {hasFilter(view) ? `${formatNumber(shown.length)} of ${total}` : total}
      </span>
      {isReadingJobs.value && <span>Reading older jobs…</span>}
      {hasFilter(view) && (
        <button type="button" class="link" onClick={onClear}>
          Clear the filters
        </button>
      )}
      <Selection shown={shown} />
    </div>
  );
}

function NoMatch({ jobs, view }: { jobs: readonly BoardJobFragment[]; view: BoardView }) {
  const reason = explainNoMatch(jobs, view.metadata);
  return (
    <div class="no-match">
      <p>No job matches these filters.</p>
      {reason !== '' && <p>{reason}</p>}
      {hasMoreJobs.value && <p>Older jobs are not read yet.</p>}
    </div>
  );
}
