import { useState } from 'preact/hooks';
import { query } from '../data/graphql-client.ts';
import type { RequestError } from '../data/request-error.ts';
import { CheckFile, type CheckFileQuery } from '../operations/generated.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { formatNumber } from '../ui/formats.ts';
import type { TrainingMethod } from './upload/file-check.ts';
import { IssueTable } from './upload/issue-table.tsx';

type Report = CheckFileQuery['checkTrainingFile'];

interface EstimateProps {
  fileId: string;
  modelId: string;
  /** Null for auto. */
  nEpochs: number | null;
  method: TrainingMethod;
  /** Called with the number of examples of the file. */
  onCount: (exampleCount: number) => void;
}

type FormValues = Pick<EstimateProps, 'modelId' | 'nEpochs' | 'method'>;

/** Checks the chosen file on demand: the gateway reads the whole file. */
export function Estimate({ fileId, modelId, nEpochs, method, onCount }: EstimateProps) {
  const [state, setState] = useState<'idle' | 'reading' | { report: Report } | { error: RequestError }>('idle');
  const check = async () => {
    if (state === 'reading') return;
    setState('reading');
    const answer = await query(CheckFile, { fileId, modelId: modelId || null, nEpochs });
    if (!answer.ok) return setState({ error: answer.error });
    const [error] = answer.errors;
    if (answer.data.checkTrainingFile?.isComplete) onCount(answer.data.checkTrainingFile.exampleCount);
    setState(error === undefined ? { report: answer.data.checkTrainingFile } : { error });
  };
  const isDone = typeof state === 'object';
  return (
    <div class="estimate">
      <div class="notice-actions">
        <button type="button" class="button" onClick={check}>
          Estimate tokens and cost
        </button>
        <span role="status">
          {state === 'reading' && 'The gateway reads the file…'}
          {isDone && 'report' in state && estimateText(state.report, { modelId, nEpochs, method })}
        </span>
      </div>
      {isDone && 'report' in state && state.report && (
        <IssueTable report={state.report} caption="Problems of the file" />
      )}
      {isDone && 'error' in state && <ErrorNotice error={state.error} />}
    </div>
  );
}

function estimateText(report: Report, form: FormValues): string {
  if (report === null) return 'The file does not exist, or its content was deleted.';
  const { exampleCount, errorCount, estimatedTokens, estimatedTrainingTokens, estimatedCost } = report;
  if (errorCount > 0) return `${formatNumber(errorCount)} errors: no job can train on this file.`;
  const parts = [`${formatNumber(exampleCount)} examples`];
  if (estimatedTokens) parts.push(`about ${formatNumber(estimatedTokens.tokens)} tokens per epoch`);
  if (estimatedTrainingTokens !== null) parts.push(`${formatNumber(estimatedTrainingTokens)} tokens in all epochs`);
  if (estimatedCost) {
    const { amount, currency, asOf, source } = estimatedCost;
    parts.push(`about ${amount.toFixed(2)} ${currency} (price of ${asOf}, ${source})`);
  }
  return `${parts.join(', ')}.${estimatedCost ? '' : ` ${noCostText(form)}`}`;
}

function noCostText({ modelId, nEpochs, method }: FormValues): string {
  if (method === 'reinforcement') return 'No cost: reinforcement is billed by time.';
  if (modelId === '') return 'No cost: enter the model.';
  if (nEpochs === null) return 'No cost: enter the number of epochs.';
  return 'No cost: the gateway has no price for this model, or does not know its tokenizer. Its operator enters prices in PRICES_FILE.';
}
