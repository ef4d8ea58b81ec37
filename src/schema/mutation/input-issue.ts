import type { Issue } from '../../upstream/requests/validation.ts';
import type { InputIssue } from './failure.ts';

/** A place of the wire below which the input has another form, and how what stands below it is found there. */
export interface PathMapping {
  /** Where it is, in wire spelling. */
  readonly at: readonly string[];
  /** The way in the input from there to a place below it. */
  readonly path: (below: Issue['path']) => readonly string[];
}

/** What an input is called whose name is not that of the wire in camelCase. */
const NAMES: Readonly<Record<string, string>> = {
  model: 'modelId',
  training_file: 'trainingFileId',
  validation_file: 'validationFileId',
};

/** The name of an input's field for a member in wire spelling. */
export const inputName = (member: string) =>
  NAMES[member] ?? member.replace(/_+([a-z\d])/g, (_, letter: string) => letter.toUpperCase());

/** What is wrong with a request in wire spelling, as clients know their input. */
export function inputIssues(issues: readonly Issue[], detours: readonly PathMapping[] = []): InputIssue[] {
  return issues.map(({ path, message }) => ({ path: inputPath(path, detours), message }));
}

function inputPath(path: Issue['path'], detours: readonly PathMapping[]): string[] {
  const detour = detours.find(({ at }) => at.every((member, place) => path[place] === member));
  if (detour === undefined) return plainPath(path);
  return [...plainPath(detour.at), ...detour.path(path.slice(detour.at.length))];
}

// Below `extra` clients have written what the wire has.
function plainPath(path: Issue['path']): string[] {
  const named = path.includes('extra') ? path.indexOf('extra') : path.length;
  return path.map((place, at) => (at < named && typeof place === 'string' ? inputName(place) : String(place)));
}
