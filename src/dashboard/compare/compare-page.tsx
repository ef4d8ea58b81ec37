import { useEffect, useMemo } from 'preact/hooks';
import { Page } from '../app/page.tsx';
import { boardHref, setSearchParams } from '../app/router.ts';
import { Icon } from '../ui/icon.tsx';
import { StatusBadge } from '../ui/status-badge.tsx';
import { CompareErrors } from './compare-errors.tsx';
import { comparedJobs, compareErrors, followComparison } from './compare-store.ts';
import { ComparedCurves } from './compared-curves.tsx';
import { type Compared, differencesOf } from './differences.ts';
import { JobLabel } from './job-label.tsx';

const MAX_JOBS = 10;

/** Compares the jobs of the URL. */
export function ComparePage({ jobIds }: { jobIds: readonly string[] }) {
  const text = [...new Set(jobIds)].slice(0, MAX_JOBS).join();
  const ids = useMemo(() => text.split(',').filter(Boolean), [text]);
  const isEnough = ids.length >= 2;
  useEffect(() => (isEnough ? followComparison(ids) : undefined), [ids, isEnough]);
  return (
    <Page title="Compare jobs">
      {!isEnough && (
        <p>
          A comparison needs 2 to {MAX_JOBS} jobs: select them in <a href={boardHref}>the list of jobs</a>.
        </p>
      )}
      {jobIds.length > MAX_JOBS && <p class="notice">Only the first {MAX_JOBS} jobs are compared.</p>}
      {isEnough && <CompareErrors errors={compareErrors.value} />}
      {isEnough && <Comparison ids={ids} known={comparedJobs.value} hasError={compareErrors.value.size > 0} />}
    </Page>
  );
}

interface ComparisonProps {
  ids: readonly string[];
  known: ReadonlyMap<string, Compared>;
  hasError: boolean;
}

function Comparison({ ids, known, hasError }: ComparisonProps) {
  const compared = useMemo(() => ids.flatMap((id) => known.get(id) ?? []), [ids, known]);
  if (compared.length === 0) return hasError ? null : <p class="quiet">Reading the jobs…</p>;
  return (
    <>
      <ComparedCurves compared={compared} />
      <Differences ids={ids} compared={compared} />
    </>
  );
}

function Differences({ ids, compared }: { ids: readonly string[]; compared: readonly Compared[] }) {
  const differences = useMemo(() => differencesOf(compared), [compared]);
  const hasStatuses = new Set(compared.map(({ job }) => job.rawStatus)).size > 1;
  const remove = (id: string) => setSearchParams({ ids: ids.filter((other) => other !== id).join() });
  return (
    <>
      <h2 class="compare-heading">Differences</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls. */}
      <section class="table-scroll" tabIndex={0} aria-label="Differences">
        <table class="table compare-table">
          <thead>
            <tr>
              <th scope="col">Fact</th>
              {compared.map(({ job }, index) => (
                <th key={job.id} scope="col">
                  <span class="compare-column">
                    <JobLabel job={job} index={index} />
                    <button
                      type="button"
                      class="button-icon"
                      aria-label={`Remove job ${index + 1}`}
                      title="Remove from the comparison"
                      onClick={() => remove(job.id)}
                    >
                      <Icon name="close" />
                    </button>
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {hasStatuses && (
              <tr>
                <th scope="row">Status</th>
                {compared.map(({ job: { id, status, rawStatus } }) => (
                  <td key={id}>
                    <StatusBadge status={status} rawStatus={rawStatus} />
                  </td>
                ))}
              </tr>
            )}
            {differences.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {values.map((value, index) => (
                  <td key={compared[index]?.job.id}>{value || <span class="quiet">–</span>}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
