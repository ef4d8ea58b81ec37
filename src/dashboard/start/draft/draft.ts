import { effect, type Signal, signal } from '@preact/signals';
import type { TrainingMethod } from '../upload/file-check.ts';

/** The values of the form, as text. */
export interface DraftValues {
  readonly trainingFileId: string;
  readonly validationFileId: string;
  readonly modelId: string;
  readonly method: TrainingMethod;
  /** By name, such as `nEpochs`. An empty one is chosen by the upstream. */
  readonly hyperparameters: Readonly<Record<string, string>>;
  /** A `GraderInput` as JSON. */
  readonly grader: string;
  readonly suffix: string;
  readonly seed: string;
  /** Runs in Weights & Biases. */
  readonly integrations: readonly WandbRun[];
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  /** Other properties of the request as JSON. */
  readonly extra: string;
  /** Other properties of the method as JSON. */
  readonly methodExtra: string;
  /** Sentences on what a clone leaves out. */
  readonly notCopied: readonly string[];
}

export interface WandbRun {
  readonly project: string;
  readonly entity: string;
  readonly name: string;
  /** One per line. */
  readonly tags: string;
}

export const EMPTY_VALUES: DraftValues = {
  trainingFileId: '',
  validationFileId: '',
  modelId: '',
  method: 'supervised',
  hyperparameters: {},
  grader: '',
  suffix: '',
  seed: '',
  integrations: [],
  metadata: [],
  extra: '',
  methodExtra: '',
  notCopied: [],
};

interface StoredDraft {
  readonly idempotencyKey: string;
  /** Null until the job to clone is read. */
  readonly values: DraftValues | null;
}

/** A job that is not created yet. It survives a reload of the page, with its idempotency key. */
export interface Draft {
  readonly values: Signal<DraftValues | null>;
  readonly idempotencyKey: () => string;
  /** Changes some values. */
  readonly change: (changes: Partial<DraftValues>) => void;
  /** Takes another key: the next create makes another job. */
  readonly renewKey: () => void;
  /** Removes the draft, after its job was created or when the user starts over. */
  readonly discard: () => void;
  /** Stops the storing. */
  readonly dispose: () => void;
}

/** Opens the stored draft, or a new one. `sourceJobId` is the job to clone; null without one. */
export function openDraft(sourceJobId: string | null): Draft {
  const storageKey = `finetune-gateway-draft${sourceJobId === null ? '' : `:${sourceJobId}`}`;
  const stored = read(storageKey);
  const idempotencyKey = signal(stored?.idempotencyKey ?? newKey());
  const opened = sourceJobId === null ? EMPTY_VALUES : null;
  const values = signal(stored?.values ? { ...EMPTY_VALUES, ...stored.values } : opened);
  const dispose = effect(() => {
    const draft: StoredDraft = { idempotencyKey: idempotencyKey.value, values: values.value };
    sessionStorage.setItem(storageKey, JSON.stringify(draft));
  });
  const renewKey = () => {
    idempotencyKey.value = newKey();
  };
  const change = (changes: Partial<DraftValues>) => {
    values.value = { ...(values.value ?? EMPTY_VALUES), ...changes };
  };
  const discard = () => {
    dispose();
    sessionStorage.removeItem(storageKey);
  };
  return { values, idempotencyKey: () => idempotencyKey.value, change, renewKey, discard, dispose };
}

function read(storageKey: string): StoredDraft | null {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null');
    return typeof stored === 'object' ? (stored as StoredDraft | null) : null; // Written by this module only.
  } catch {
    return null;
  }
}

/** 128 random bits. `crypto.randomUUID` exists on HTTPS and localhost only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `dashboard-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
