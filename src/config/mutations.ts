import { closeSync } from 'node:fs';
import { z } from 'zod';
import { FileError, openToAppend } from '../regular-file.ts';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer, onOff } from './types/setting-types.ts';

export const mutations = z
  .object({
    ALLOW_MUTATIONS: onOff().optional().register(settingDocs, {
      description: 'Whether mutations are allowed: `on` or `off`.',
      whenUnset: 'on for the sandbox, else off',
    }),
    MAX_CREATES_PER_DAY: integer(0, 1_000_000).default(50).register(settingDocs, {
      description: 'Maximum jobs that one caller creates per day (UTC), on all replicas together. 0 allows none.',
      unit: 'jobs',
    }),
    MAX_GRADER_RUNS_PER_DAY: integer(0, 1_000_000).default(500).register(settingDocs, {
      description: 'Maximum grader runs of one caller per day (UTC), on all replicas together. 0 allows none.',
      unit: 'runs',
    }),
    MAX_UPLOAD_MB: integer(1, 65_536).default(512).register(settingDocs, {
      description: 'Maximum size of an uploaded file. OpenAI accepts 512.',
      unit: 'MiB',
    }),
    AUDIT_FILE: z.string().transform(requireWritable).optional().register(settingDocs, {
      description:
        'Path of a file to which each mutation appends two records, before and after it. A mutation whose first record cannot be written does not run. SIGHUP opens the path again.',
      example: '/var/log/finetune-gateway/audit.jsonl',
      whenUnset: 'the records are in the log',
    }),
  })
  .register(groupDocs, {
    title: 'Mutations',
    intro:
      'Whether clients may change anything, and how much per day. Past a limit a mutation returns a `QuotaExceededError`.',
  })
  .transform((values) => ({
    isAllowed: values.ALLOW_MUTATIONS === undefined ? undefined : values.ALLOW_MUTATIONS === 'on',
    maxPerDay: { create: values.MAX_CREATES_PER_DAY, graderRun: values.MAX_GRADER_RUNS_PER_DAY },
    maxUploadBytes: values.MAX_UPLOAD_MB * 1024 * 1024,
    auditFile: values.AUDIT_FILE,
  }));

/** Creates the file when it does not exist: nothing else shows whether it can be written. */
function requireWritable(path: string, { addIssue }: z.RefinementCtx): string {
  try {
    closeSync(openToAppend(path));
  } catch (error) {
    const reason = error instanceof FileError ? `it ${error.message}` : Object(error).code;
    addIssue(`expected the path of a regular file that can be written (${reason})`);
  }
  return path;
}
