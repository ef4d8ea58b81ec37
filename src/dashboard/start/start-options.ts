import { signal } from '@preact/signals';
import { query } from '../data/graphql-client.ts';
import { type StartFileFragment, StartFiles, StartModels, type StartModelsQuery } from '../operations/generated.ts';

type Model = NonNullable<NonNullable<StartModelsQuery['models']>['nodes'][number]>;

/** Models to suggest. Empty until they are read, and when they cannot be: then ids are typed. */
export const models = signal<readonly Model[]>([]);

/** Uploaded training files, newest first. Empty until they are read, and when they cannot be: then files are uploaded. */
export const files = signal<readonly StartFileFragment[]>([]);

/** The cursor of the next files; null when all are read. */
export const nextFiles = signal<string | null>(null);

export async function loadModels(): Promise<void> {
  const answer = await query(StartModels, {});
  if (answer.ok) models.value = present(answer.data.models?.nodes).filter(isTrainable);
}

const isTrainable = ({ fineTunability: { isKnown, methods } }: Model) => !isKnown || methods.length > 0;

/** Reads the first page of files, or the next one from `after` on. A file that is added meanwhile stays. */
export async function loadFiles(after: string | null = null): Promise<void> {
  const before = after === null ? new Set(files.value) : null;
  const answer = await query(StartFiles, { after });
  if (!answer.ok || !answer.data.files) return;
  const { nodes, pageInfo } = answer.data.files;
  const kept = files.value.filter((file) => !before?.has(file));
  const ids = new Set(kept.map(({ id }) => id));
  files.value = [...kept, ...present(nodes).filter(({ id }) => !ids.has(id))];
  nextFiles.value = pageInfo.hasNextPage ? pageInfo.endCursor : null;
}

const present = <T>(nodes: readonly (T | null)[] = []): T[] => nodes.filter((node) => node !== null);

export function addFile(file: StartFileFragment): void {
  files.value = [file, ...files.value];
}

export function removeFile(fileId: string): void {
  files.value = files.value.filter(({ id }) => id !== fileId);
}
