import { createHash } from 'node:crypto';

/** Translates `ft:<base>:…[:ckpt-step-N]` to `<base>.ft-<hash>[:ckpt-step-N]`. The hash is that of the job. */
export function azureModelName(name: string, jobId: string): string {
  const { base = name, checkpoint = '' } =
    /^ft:(?<base>[^:]+):.*?(?<checkpoint>:ckpt-step-\d+)?$/.exec(name)?.groups ?? {};
  return `${base}.ft-${createHash('md5').update(jobId).digest('hex')}${checkpoint}`;
}
