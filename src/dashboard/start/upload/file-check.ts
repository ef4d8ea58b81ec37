import type { TrainingFormat } from '../../../upstream/training-data/example-rules.ts';
import { createLineValidator, type LineValidator } from '../../../upstream/training-data/line-validator.ts';
import type { TrainingReport } from '../../../upstream/training-data/report-builder.ts';
import { currentMs, nextTask } from '../../data/clock.ts';
import type { FileReportFragment } from '../../operations/generated.ts';

/** The method of a job. The empty string leaves the choice to the upstream. */
export type TrainingMethod = '' | 'supervised' | 'dpo' | 'reinforcement';

/** The state of a check in the browser, by the rules of the gateway. */
export interface FileCheck {
  readonly lines: number;
  readonly bytes: number;
  readonly size: number;
  /** `isComplete` when the whole file is checked. */
  readonly report: FileReportFragment;
  /** A method that trains on the format of most examples, when the chosen one does not. */
  readonly otherMethod: Exclude<TrainingMethod, ''> | null;
  /** The names of the members of the examples; null when they are too many. */
  readonly members: ReadonlySet<string> | null;
}

interface CheckOptions {
  readonly signal: AbortSignal;
  /** Called some times per second, at the first error, and at the end. */
  readonly onProgress: (check: FileCheck) => void;
}

/** The formats that a method trains on. Null: that of most examples. */
const FORMATS: Readonly<Record<TrainingMethod, readonly TrainingFormat[] | null>> = {
  supervised: ['chat', 'completion'],
  dpo: ['preference'],
  reinforcement: ['reinforcement'],
  '': null,
};

/** Bytes that are checked without a look at the time. */
const PIECE_BYTES = 64 * 1024;
/** A task of this length does not delay a frame. */
const TASK_MS = 10;
const REPORT_MS = 150;
/** A file of more is no training data: it could have millions. */
const MAX_MEMBERS = 1000;

/**
 * Checks a file for a method, a chunk at a time: the memory does not depend on its size. Resolves to whether all of it was
 * checked: not when it is canceled, or when the browser cannot read the file.
 */
export async function checkFile(
  file: Blob,
  method: TrainingMethod,
  { signal, onProgress }: CheckOptions,
): Promise<boolean> {
  const members = new Set<string>();
  const onExample = (example: object) => {
    if (members.size <= MAX_MEMBERS) for (const name of Object.keys(example)) members.add(name);
  };
  const validator = createLineValidator({ formats: FORMATS[method], onExample });
  const reader = file.stream().getReader();
  let bytes = 0;
  let taskStart = currentMs();
  let reportedAt = taskStart;
  let hasErrors = false;
  const publish = (report: TrainingReport, isComplete: boolean) => {
    reportedAt = currentMs();
    const { lineCount: lines } = validator;
    const otherMethod = otherMethodOf(validator, method);
    const known = members.size <= MAX_MEMBERS ? members : null;
    const progress = { lines, bytes, size: file.size, otherMethod, members: known };
    onProgress({ ...progress, report: { ...wireReport(report), isComplete } });
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return false;
      if (done) break;
      for (let start = 0; start < value.length; start += PIECE_BYTES) {
        const piece = value.subarray(start, start + PIECE_BYTES);
        validator.add(piece);
        bytes += piece.length;
        const isFirstError: boolean = !hasErrors && validator.errorCount > 0;
        hasErrors ||= isFirstError;
        if (isFirstError || currentMs() - reportedAt >= REPORT_MS) publish(validator.partialReport(), false);
        if (currentMs() - taskStart < TASK_MS) continue;
        await nextTask();
        if (signal.aborted) return false;
        taskStart = currentMs();
      }
    }
    publish(validator.report(), true);
    return true;
  } catch {
    return false; // It has changed since it was chosen: the upload reports that.
  } finally {
    reader.cancel().catch(() => {}); // A stream that has failed cannot be canceled.
  }
}

function wireReport({ exampleCount, errorCount, issueCount, issues }: TrainingReport) {
  const wireIssues = issues.map(({ line, message, severity }) => ({
    line,
    message,
    severity: severity === 'error' ? ('ERROR' as const) : ('WARNING' as const),
  }));
  return { exampleCount, errorCount, issueCount, issues: wireIssues };
}

const METHODS = ['supervised', 'dpo', 'reinforcement'] as const;

function otherMethodOf({ majorityFormat: format }: LineValidator, method: TrainingMethod): FileCheck['otherMethod'] {
  if (format === null || (FORMATS[method]?.includes(format) ?? true)) return null;
  return METHODS.find((other) => FORMATS[other]?.includes(format)) ?? null;
}
