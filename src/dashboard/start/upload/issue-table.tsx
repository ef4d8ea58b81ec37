import type { FileReportFragment } from '../../operations/generated.ts';
import { formatNumber } from '../../ui/formats.ts';

/** The problems of a training file, by line. */
export function IssueTable({ report, caption }: { report: FileReportFragment; caption: string }) {
  const { issues, issueCount, isComplete } = report;
  if (issues.length === 0) return null;
  const hidden = issueCount - issues.length;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard. */}
      <section class="issue-scroll" aria-label={caption} tabIndex={0}>
        <table class="table issue-table">
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Problem</th>
            </tr>
          </thead>
          <tbody>
            {issues.map(({ line, message, severity }) => (
              <tr key={`${line} ${message}`}>
                <td>{line ?? 'whole file'}</td>
                <td>
                  {severity === 'WARNING' && <span class="badge badge-warning">Warning</span>} {message}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {hidden > 0 && <p class="quiet">{formatNumber(hidden)} more are not shown.</p>}
      {!isComplete && <p class="quiet">The upload ended early: the rest of the file was not checked.</p>}
    </>
  );
}
