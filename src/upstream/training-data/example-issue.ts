import { typeProblem } from '../json/problem.ts';

/** A problem of one example. Messages name positions, and quote nothing of the file. */
export interface ExampleIssue {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** A published rule that the server enforces: no job can train on the file. */
export const error = (message: string): ExampleIssue => ({ severity: 'error', message });

/** A rule of some servers, or a probable mistake. */
export const warning = (message: string): ExampleIssue => ({ severity: 'warning', message });

export const requireString = (value: unknown, path: string): ExampleIssue[] =>
  typeof value === 'string' ? [] : [error(`${path}: ${typeProblem(value)}; expected a string`)];

export const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;
