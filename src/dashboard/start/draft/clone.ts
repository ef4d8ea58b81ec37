import { query } from '../../data/graphql-client.ts';
import { ownError, type RequestError } from '../../data/request-error.ts';
import { CloneSource, type CloneSourceQuery } from '../../operations/generated.ts';
import { type DraftValues, EMPTY_VALUES } from './draft.ts';
import { graderInputOf } from './grader-of-job.ts';
import { otherProperties } from './raw-job.ts';

type Source = NonNullable<CloneSourceQuery['fineTuningJob']>;

/** Reads the values of a job, for a draft. */
export async function readSource(jobId: string): Promise<DraftValues | RequestError> {
  const answer = await query(CloneSource, { jobId });
  if (!answer.ok) return answer.error;
  const { fineTuningJob } = answer.data;
  if (fineTuningJob === null) {
    return answer.errors[0] ?? ownError('NOT_FOUND', `The job ${jobId} does not exist.`);
  }
  const failed = new Set(answer.errors.map(({ path }) => path[1]));
  return valuesOf(fineTuningJob, (field) => failed.has(field));
}

/** `isUnread` says whether a field could not be read: then its null means nothing. */
export function valuesOf(job: Source, isUnread: (field: string) => boolean): DraftValues {
  const notCopied: string[] = [];
  const method = methodOf(job, notCopied);
  const { extra, methodExtra, uncertain } = otherProperties(job.raw, method.method);
  const fileOf = (field: 'trainingFile' | 'validationFile', id: string | null) => {
    if (id === null || job[field] !== null || isUnread(field)) return id ?? '';
    notCopied.push(`The ${field === 'trainingFile' ? 'training' : 'validation'} file ${id}: it was deleted.`);
    return '';
  };
  const values = {
    ...EMPTY_VALUES,
    ...method,
    trainingFileId: fileOf('trainingFile', job.trainingFileId),
    validationFileId: fileOf('validationFile', job.validationFileId),
    modelId: job.modelId,
    suffix: job.suffix ?? '',
    seed: job.seed === null ? '' : String(job.seed),
    integrations: runsOf(job, notCopied),
    metadata: job.metadata.map(({ key, value }) => ({ key, value: value ?? '' })),
    extra: jsonOf(extra),
    methodExtra: jsonOf(methodExtra),
  };
  if (isUnread('raw')) notCopied.push('Properties that this form has no field for: the gateway could not read them.');
  if (uncertain.length > 0) {
    notCopied.push(`${uncertain.join(', ')}: only this upstream has such a property, and may have set it itself.`);
  }
  return { ...values, notCopied };
}

type MethodValues = Pick<DraftValues, 'method' | 'hyperparameters' | 'grader'>;

/** Writes what has no field in the form into `notCopied`. */
function methodOf({ method, hyperparameters }: Source, notCopied: string[]): MethodValues {
  switch (method?.__typename) {
    case undefined:
      return { method: '', hyperparameters: {}, grader: '' };
    case 'FineTuningJobSupervisedMethod':
      return { method: 'supervised', hyperparameters: textsOf(method.supervised ?? hyperparameters), grader: '' };
    case 'FineTuningJobDpoMethod':
      return { method: 'dpo', hyperparameters: textsOf(method.dpo), grader: '' };
    case 'FineTuningJobReinforcementMethod': {
      const { rawReasoningEffort: effort, ...known } = method.reinforcement ?? { rawReasoningEffort: null };
      if ('reasoningEffort' in known && known.reasoningEffort === 'UNKNOWN') {
        notCopied.push(`The reasoning effort ${effort}: this version of the gateway does not know it.`);
      }
      const grader = method.grader && graderInputOf(method.grader);
      if (grader === null)
        notCopied.push(`The grader${typeText(method.grader?.rawType)}: this version of the gateway does not know it.`);
      return { method: 'reinforcement', hyperparameters: textsOf(known), grader: grader ? jsonOf(grader) : '' };
    }
    default:
      notCopied.push(`The method ${method?.rawType}: this version of the gateway does not know it.`);
      return { method: '', hyperparameters: {}, grader: '' };
  }
}

function runsOf({ integrations }: Source, notCopied: string[]): DraftValues['integrations'] {
  return integrations.flatMap((integration) => {
    if ('wandb' in integration && integration.wandb !== null) {
      const { wandb: project, entity, name, tags } = integration;
      return [{ project, entity: entity ?? '', name: name ?? '', tags: tags.join('\n') }];
    }
    notCopied.push(`An integration${typeText(integration.rawType)}: this version of the gateway cannot create it.`);
    return [];
  });
}

const typeText = (type: string | undefined) => (type ? ` of the type ${type}` : '');

/** Leaves out values that the upstream chooses. */
function textsOf(values: object | null): Record<string, string> {
  const entries = Object.entries(values ?? {}).filter(([, value]) => !OPEN.has(value));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

const OPEN = new Set<unknown>([null, 'auto', 'UNKNOWN']);

/** The empty text for an object without members. */
const jsonOf = (value: object) => (Object.keys(value).length === 0 ? '' : JSON.stringify(value, null, 2));
