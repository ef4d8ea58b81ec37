import { formatMetric } from '../ui/formats.ts';

/** A fact: its name and its value as text. */
export type FactRow = readonly [name: string, value: string];

/** Names of members that are not their words. */
const NAMES: Readonly<Record<string, string>> = {
  nEpochs: 'Epochs',
  rawReasoningEffort: 'Reasoning effort',
  rawOperation: 'Operation',
  rawEvaluationMetric: 'Metric',
  rawType: 'Type',
  modelId: 'Model',
  runId: 'Run',
  calculateOutput: 'Calculation',
};

/** The members of an object that have a value. Objects in it are left out. */
export function rowsOf(object: object | null): FactRow[] {
  return Object.entries(object ?? {}).flatMap(([name, value]: [string, unknown]) => {
    const text = textOf(value);
    return text === '' || name === '__typename' ? [] : [[NAMES[name] ?? wordsOf(name), text] as const];
  });
}

function textOf(value: unknown): string {
  if (typeof value === 'number') return formatMetric(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(', ');
  return '';
}

/** `batchSize` as `Batch size`. */
const wordsOf = (name: string) => {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
};
