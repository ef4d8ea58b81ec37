import { createHash } from 'node:crypto';

/**
 * `ft:<base>:…[:ckpt-step-N]` as Azure names it: `<base>.ft-<hash>[:ckpt-step-N]`, with one hash for all models of a job.
 */
export function azureModelName(name: string, jobId: string): string {
  const { base = name, checkpoint = '' } =
    /^ft:(?<base>[^:]+):.*?(?<checkpoint>:ckpt-step-\d+)?$/.exec(name)?.groups ?? {};
  return `${base}.ft-${createHash('md5').update(jobId).digest('hex')}${checkpoint}`;
}
