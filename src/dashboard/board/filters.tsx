import type { RefObject } from 'preact';
import { useMemo } from 'preact/hooks';
import { useShortcuts } from '../app/shortcuts.tsx';
import type { BoardJobFragment, FineTuningJobMethodType, FineTuningJobStatus } from '../operations/generated.ts';
import { FilterInput } from '../ui/filter-input.tsx';
import { statusWord } from '../ui/status-badge.tsx';
import { type BoardView, countStatuses, METHODS, readBoardView, STATUSES, writeView } from './board-view.ts';
import { methodWord } from './job-row.tsx';
import { suggestMetadata } from './metadata-filter.ts';

interface StatusFilterProps {
  jobs: readonly BoardJobFragment[];
  view: BoardView;
  onChange: (changes: Partial<BoardView>) => void;
}

interface FiltersProps extends StatusFilterProps {
  /** The search box. */
  search: RefObject<HTMLInputElement | null>;
}

/** Sorts for narrow screens, which show no column headers. */
const SORTS = [
  ['-created', 'Newest first'],
  ['created', 'Oldest first'],
  ['status', 'By status'],
  ['job', 'By name'],
  ['model', 'By model'],
  ['method', 'By method'],
] as const;

const fieldValue = (event: Event): string => (event.currentTarget as HTMLSelectElement).value;

const METADATA_LIST = 'metadata-suggestions';

const focusFirstJob = () => document.querySelector<HTMLElement>('.job-row .job-name a')?.focus();

export function Filters({ jobs, view, onChange, search }: FiltersProps) {
  useShortcuts([
    { key: '/', label: 'Search the jobs; Enter goes to the first one', run: () => search.current?.select() },
  ]);
  const models = [...new Set([...jobs.map(({ modelId }) => modelId), view.modelId])].filter(Boolean).sort();
  const suggestions = useMemo(() => suggestMetadata(jobs, view.metadata), [jobs, view.metadata]);
  return (
    <search class="filters">
      <div class="filter-fields">
        <FilterInput
          inputRef={search}
          type="search"
          class="input filter-search"
          label="Search"
          placeholder="Search name, id, model, metadata"
          value={view.text}
          onText={(text) => onChange({ text })}
          onEnter={focusFirstJob}
        />
        <select
          class="input filter-model"
          aria-label="Model"
          value={view.modelId}
          onChange={(event) => onChange({ modelId: fieldValue(event) })}
        >
          <option value="">All models</option>
          {models.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
        <select
          class="input"
          aria-label="Method"
          value={view.method}
          onChange={(event) => onChange({ method: fieldValue(event) as FineTuningJobMethodType | '' })} // The options below.
        >
          <option value="">All methods</option>
          {METHODS.map((method) => (
            <option key={method} value={method}>
              {methodWord(method, '')}
            </option>
          ))}
        </select>
        <FilterInput
          type="text"
          class="input"
          label="Metadata"
          placeholder="Metadata: key=value"
          list={METADATA_LIST}
          value={view.metadata}
          onText={(metadata) => onChange({ metadata })}
          onEnter={focusFirstJob}
        />
        <datalist id={METADATA_LIST}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
        <select
          class="input filter-sort"
          aria-label="Order"
          value={writeView(view)['sort'] ?? SORTS[0][0]}
          onChange={(event) => {
            const { sortKey, isDescending } = readBoardView(new URLSearchParams({ sort: fieldValue(event) }));
            onChange({ sortKey, isDescending });
          }}
        >
          {SORTS.map(([sort, label]) => (
            <option key={sort} value={sort}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <StatusFilter jobs={jobs} view={view} onChange={onChange} />
    </search>
  );
}

/** A switch for each status that a job has, with its number of jobs. */
function StatusFilter({ jobs, view, onChange }: StatusFilterProps) {
  const counts = countStatuses(jobs, view);
  const present = new Set<FineTuningJobStatus>(jobs.map(({ status }) => status));
  const toggle = (status: FineTuningJobStatus) => {
    const { statuses } = view;
    const isOn = statuses.includes(status);
    onChange({ statuses: isOn ? statuses.filter((other) => other !== status) : [...statuses, status] });
  };
  return (
    <fieldset class="status-filter" aria-label="Status">
      {STATUSES.filter((status) => present.has(status) || view.statuses.includes(status)).map((status) => (
        <button
          key={status}
          type="button"
          class="chip"
          aria-pressed={view.statuses.includes(status)}
          onClick={() => toggle(status)}
        >
          {statusWord(status, '')} <span class="chip-count">{counts.get(status) ?? 0}</span>
        </button>
      ))}
    </fieldset>
  );
}
