import { invalidFileChoice, invalidFileParameter, unknownFile } from '../api/api-error.ts';
import { Download } from '../api/download.ts';
import { itemsAfter, listBodyWithIds } from '../api/page.ts';
import { type FilePlan, fileBody } from '../artifacts/file.ts';
import { failForDeletedFile } from '../simulation/intervention.ts';
import { statusAt } from '../simulation/lifecycle.ts';
import type { State } from '../state/state.ts';
import type { ApiRequest } from './route.ts';

const MAX_FILES = 10_000;
const PURPOSES = [
  'fine-tune',
  'fine-tune-results',
  'assistants',
  'assistants_output',
  'batch',
  'batch_output',
  'user_data',
  'vision',
  'evals',
];

export function listFiles({ query, now }: ApiRequest, state: State): object {
  const limit = readFileLimit(query);
  const purpose = readChoice(query, 'purpose', PURPOSES);
  const isAscending = readChoice(query, 'order', ['asc', 'desc']) === 'asc';
  const newestFirst = state.filesAt(now);
  const files = isAscending ? newestFirst.toReversed() : newestFirst;
  const remaining = itemsAfter(files, query, (id) => unknownFile(id, 'after'));
  return listBodyWithIds(remaining.filter((file) => purpose === null || file.purpose === purpose).map(fileBody), limit);
}

export function retrieveFile({ now }: ApiRequest, state: State, id: string): object {
  return fileBody(findFile(state, id, now));
}

export function downloadFile({ now }: ApiRequest, state: State, id: string): Download {
  const file = findFile(state, id, now);
  return new Download(file.filename, file.bytes, file.content());
}

/** Deletes a file. Jobs that are still validating it fail (docs/upstream.md: Errors). */
export async function deleteFile({ now }: ApiRequest, state: State, id: string): Promise<object> {
  findFile(state, id, now);
  const { writes, spool } = state;
  writes.remove(id);
  const users = state.jobsAt(now).newestFirst.filter(({ trainingFile }) => trainingFile === id);
  for (const plan of users)
    if (statusAt(plan, now) === 'validating_files') writes.replacePlan(failForDeletedFile(plan, now));
  await spool.remove(id);
  return { object: 'file', deleted: true, id };
}

function findFile(state: State, id: string, now: number): FilePlan {
  const file = state.filesAt(now).find((file) => file.id === id);
  if (file === undefined) throw unknownFile(id);
  return file;
}

function readChoice(query: URLSearchParams, param: string, choices: readonly string[]): string | null {
  const value = query.get(param);
  if (value === null || choices.includes(value)) return value;
  throw invalidFileChoice(param, value, choices);
}

function readFileLimit(query: URLSearchParams): number {
  const limit = query.get('limit');
  if (limit === null) return MAX_FILES;
  if (!/^-?\d+$/.test(limit)) throw invalidFileParameter('limit', `'${limit}' is not of type 'integer'`);
  if (Number(limit) < 1) throw invalidFileParameter('limit', `${limit} is less than the minimum of 1`);
  if (Number(limit) > MAX_FILES)
    throw invalidFileParameter('limit', `${limit} is greater than the maximum of ${MAX_FILES}`);
  return Number(limit);
}
