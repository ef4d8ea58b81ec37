import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { makeFolder } from '../../../kit/process/folder.ts';
import { openWritable } from '../write.ts';

it('an upload to a directory that is not writable fails, and the next one succeeds once it is', async () => {
  const directory = join(makeFolder({}), 'late');
  vi.stubEnv('TMPDIR', directory);
  try {
    const { storageProblem, upload, dispose } = await openWritable();
    expect(storageProblem).toContain(`cannot write to ${directory} (ENOENT)`);
    expect((await upload('{}')).status).toBe(500);
    mkdirSync(directory);
    expect((await upload('{}')).status).toBe(200);
    await dispose();
  } finally {
    vi.unstubAllEnvs();
  }
});

it('a sandbox whose only upload failed for want of a directory can be disposed', async () => {
  vi.stubEnv('TMPDIR', join(makeFolder({}), 'missing'));
  try {
    const { upload, dispose } = await openWritable();
    await upload('{}');
    await expect(dispose()).resolves.toBeUndefined();
  } finally {
    vi.unstubAllEnvs();
  }
});
