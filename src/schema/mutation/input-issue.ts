import type { Issue } from '../../upstream/requests/validation.ts';
import type { InputIssue } from './failure.ts';

/** A part of a REST request whose form differs from that of the input. */
export interface PathMapping {
  /** The path of the part in the REST request. */
  readonly at: readonly string[];
  /** Maps a path within the part to a path of the input. */
  readonly path: (wirePath: Issue['path']) => readonly string[];
}

/** Input fields that are not the camelCase form of the REST property. */
const NAMES: Readonly<Record<string, string>> = {
  model: 'modelId',
  training_file: 'trainingFileId',
  validation_file: 'validationFileId',
};

/** Returns the input field of a REST property. */
export const inputName = (property: string) =>
  NAMES[property] ?? property.replace(/_+([a-z\d])/g, (_, letter: string) => letter.toUpperCase());

/** Converts the problems of a REST request to problems of the input. */
export function inputIssues(issues: readonly Issue[], mappings: readonly PathMapping[] = []): InputIssue[] {
  return issues.map(({ path, message }) => ({ path: inputPath(path, mappings), message }));
}

function inputPath(path: Issue['path'], mappings: readonly PathMapping[]): string[] {
  const mapping = mappings.find(({ at }) => at.every((member, index) => path[index] === member));
  if (mapping === undefined) return renamedPath(path);
  return [...renamedPath(mapping.at), ...mapping.path(path.slice(mapping.at.length))];
}

// Clients write `extra` in the form of the REST API.
function renamedPath(path: Issue['path']): string[] {
  const end = path.includes('extra') ? path.indexOf('extra') : path.length;
  return path.map((member, index) => (index < end && typeof member === 'string' ? inputName(member) : String(member)));
}
