import { METRICS, type Point } from '../chart/metric.ts';
import type { CompareJobQuery } from '../operations/generated.ts';
import { formatMetric, formatNumber, formatTime } from '../ui/formats.ts';

/** A job with its curve. */
export interface Compared {
  readonly job: NonNullable<CompareJobQuery['fineTuningJob']>;
  readonly points: readonly Point[];
}

/** A fact with its value of each job; empty without one. */
export interface Difference {
  readonly name: string;
  readonly values: readonly string[];
}

/** The facts that are not the same for all jobs. */
export function differencesOf(compared: readonly Compared[]): readonly Difference[] {
  const facts = compared.map((each) => new Map(factsOf(each)));
  const names = [...new Set(facts.flatMap((each) => [...each.keys()]))];
  return names
    .map((name) => ({ name, values: facts.map((each) => each.get(name) ?? '') }))
    .filter(({ values }) => new Set(values).size > 1);
}

function factsOf({ job, points }: Compared): [name: string, value: string][] {
  const { method } = job;
  const hyperparameters = method !== null && 'hyperparameters' in method ? method.hyperparameters : null;
  return [
    ['Model', job.modelId],
    ['Method', method?.rawType ?? ''],
    ...Object.entries(hyperparameters ?? {}).map(([name, value]): [string, string] => [
      HYPERPARAMETERS[name] ?? name,
      value === null ? '' : String(value),
    ]),
    ['Training file', fileText(job.trainingFile, job.trainingFileId)],
    ['Validation file', fileText(job.validationFile, job.validationFileId)],
    ['Seed', job.seed === null ? '' : String(job.seed)],
    ['Trained tokens', job.trainedTokens === null ? '' : formatNumber(job.trainedTokens)],
    ...job.metadata.map(({ key, value }): [string, string] => [`Metadata: ${key}`, value]),
    ['Created', formatTime(job.createdAt)],
    ['Last step', points.length === 0 ? '' : formatNumber(points.at(-1)?.step ?? 0)],
    ...METRICS.map(({ key, label }): [string, string] => {
      const value = points.findLast((point) => point[key] !== null)?.[key] ?? null;
      return [`${label}, last`, value === null ? '' : formatMetric(value)];
    }),
  ];
}

/** Files can have the same name: the id tells them apart. */
const fileText = (file: { readonly filename: string | null } | null, id: string | null): string =>
  file?.filename ? `${file.filename} (${id})` : (id ?? '');

const HYPERPARAMETERS: Readonly<Record<string, string>> = {
  nEpochs: 'Epochs',
  batchSize: 'Batch size',
  learningRateMultiplier: 'Learning rate multiplier',
  beta: 'Beta',
  computeMultiplier: 'Compute multiplier',
  evalInterval: 'Evaluation interval',
  evalSamples: 'Evaluation samples',
  rawReasoningEffort: 'Reasoning effort',
};
