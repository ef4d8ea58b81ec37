import type { ComponentChildren } from 'preact';
import type { FileReportFragment } from '../../operations/generated.ts';
import { formatNumber } from '../../ui/formats.ts';
import type { FileCheck } from './file-check.ts';
import { IssueTable } from './issue-table.tsx';
import type { UploadState } from './upload-state.ts';

interface UploadStatusProps {
  state: UploadState;
  label: string;
  onCancel: () => void;
  /** The next step for the user. */
  children?: ComponentChildren;
}

/** The progress of an upload and of its check, the report, or the failure. */
export function UploadStatus({ state, label, onCancel, children }: UploadStatusProps) {
  const { name, phase, check } = state;
  const report = reportOf(state);
  return (
    <div class="upload-status" data-upload={phase.kind} data-problem={isProblem(state)}>
      {phase.kind === 'uploading' && (
        <div class="upload-progress">
          <progress max={1} value={phase.fraction} aria-label={`Upload of ${name}`} />
          <span class="quiet">{percent(phase.fraction)}</span>
          <button type="button" class="button" onClick={onCancel}>
            Cancel the upload
          </button>
        </div>
      )}
      <p role="status">{statusText(state)}</p>
      {check && !check.report.isComplete && <p class="quiet">{checkText(check)}</p>}
      {children}
      {report && <IssueTable report={report} caption={`${label}: problems of ${name}`} />}
    </div>
  );
}

/** That of the check in the browser, which knows the method; otherwise that of the gateway. */
function reportOf({ phase, check }: UploadState): FileReportFragment | null {
  if (phase.kind === 'failed') return null;
  const ofGateway = 'report' in phase ? phase.report : null;
  if (phase.kind === 'refused' && ofGateway !== null) return ofGateway;
  const isDecided = check !== null && (check.report.isComplete || check.report.errorCount > 0);
  if (!isDecided && ofGateway !== null) return ofGateway;
  return check && { ...check.report, isComplete: true }; // It will be.
}

/** Whether no job can train on the file. */
const isProblem = ({ phase, check }: UploadState) =>
  phase.kind === 'failed' || phase.kind === 'refused' || (check?.report.errorCount ?? 0) > 0;

function statusText({ name, phase, check }: UploadState): string {
  const report = check?.report;
  switch (phase.kind) {
    case 'none':
      return '';
    case 'uploading':
      return report?.isComplete
        ? `${name} has ${count(report.exampleCount, 'example')} and no errors. It is being uploaded.`
        : `${name} is being checked and uploaded.`;
    case 'stored': {
      const errors = report?.errorCount ?? 0;
      if (errors > 0) return `${name} is stored, but the method cannot train on it: it has ${count(errors, 'error')}.`;
      const examples = (report?.isComplete ? report : phase.report)?.exampleCount;
      return `${name} is stored${examples === undefined ? '' : ` and has ${count(examples, 'example')}`}.`;
    }
    case 'refused': {
      const known = phase.report ?? (report?.isComplete ? report : null);
      const errors = known === null ? 'errors' : count(known.errorCount, 'error');
      const advice = check?.otherMethod ? 'Change the method, or choose another file.' : MEND;
      return `${name} is refused: it has ${errors}. Nothing is stored. ${advice}`;
    }
    case 'failed':
      return `${name}: ${phase.error.message}`;
  }
}

const MEND = 'Mend the lines below and upload it again.';

/** Not in the live region: it changes several times per second. */
function checkText({ lines, bytes, size, report }: FileCheck): string {
  const found = report.issueCount === 0 ? '' : `; ${count(report.issueCount, 'problem')} so far`;
  return `Line ${formatNumber(lines)} is checked, ${percent(bytes / size)} of the file${found}.`;
}

const percent = (fraction: number) => `${Math.floor(fraction * 100)} %`;

const count = (number: number, noun: string) => `${formatNumber(number)} ${noun}${number === 1 ? '' : 's'}`;
