import { createHash } from 'node:crypto';
import { BASE_MODELS } from '../artifacts/base-model.ts';
import type { ListedModel } from '../artifacts/model.ts';
import { isTunable } from '../routes/base-model-lookup.ts';

const OPENAI_NAME = /^ft:(?<base>[^:]+):.*?(?<checkpoint>:ckpt-step-\d+)?$/;

/** Translates `ft:<base>:…[:ckpt-step-N]` to `<base>.ft-<hash>[:ckpt-step-N]`. The hash is that of the job. */
export function azureModelName(name: string, jobId: string): string {
  const { base = name, checkpoint = '' } = OPENAI_NAME.exec(name)?.groups ?? {};
  return `${base}.ft-${createHash('md5').update(jobId).digest('hex')}${checkpoint}`;
}

/** Translates a model: other members, with the dates of its deprecation (docs/upstream.md: Azure). */
export function azureModel(model: ListedModel): ListedModel {
  const { jobId, name, created } = model;
  const base = OPENAI_NAME.exec(name)?.groups?.['base'] ?? name;
  const canTune = jobId === null && isTunable(name);
  const inference = inferenceEnd(model, base);
  const body = {
    status: 'succeeded',
    ...(jobId !== null && { model: base, fine_tune: jobId }),
    capabilities: {
      fine_tune: canTune,
      inference: true,
      completion: /^(babbage|davinci)/.test(base),
      chat_completion: /^(gpt|o\d)/.test(base),
      embeddings: base.startsWith('text-embedding'),
    },
    lifecycle_status: base.includes('preview') ? 'preview' : 'generally-available',
    deprecation: canTune ? { fine_tune: inference, inference } : { inference },
    id: jobId === null ? name : azureModelName(name, jobId),
    created_at: created,
    object: 'model' as const,
  };
  return { ...model, body };
}

const YEARS_WITHOUT_DATE = 5;

/** Seconds since the epoch. Every model of Azure has a date: without an announced one, years after its base model. */
function inferenceEnd({ created, shutdownDate }: ListedModel, base: string): number {
  if (shutdownDate !== undefined) return Date.parse(shutdownDate) / 1000;
  const baseCreated = BASE_MODELS.find(({ id }) => id === base)?.created ?? created;
  return baseCreated + YEARS_WITHOUT_DATE * 365 * 86_400;
}
