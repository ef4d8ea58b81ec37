import { type FileFacts, fileWarnings } from './upload/file-facts.ts';

interface StartWarningsProps {
  /** Null when nothing is known of the training file. */
  facts: FileFacts | null;
  /** JSON text; empty without a grader. */
  grader: string;
}

/** Why the job probably fails, beside the button that starts it. */
export function StartWarnings({ facts, grader }: StartWarningsProps) {
  const warnings = facts === null ? [] : fileWarnings(facts, grader);
  return (
    <div class="start-warnings" role="status">
      {warnings.map((warning) => (
        <p key={warning}>
          <span class="badge badge-warning">Warning</span> {warning}
        </p>
      ))}
    </div>
  );
}
