import { countImages } from './content-part-rules.ts';
import { type ExampleIssue, error, isFilledList, warning } from './example-issue.ts';
import { findMessagesIssues } from './message-rules.ts';
import { hasRole } from './role.ts';
import { findAnswerIssues, type PathedMessage, pathed } from './tool-answer-rules.ts';

/** Returns the issues of an output, and of the tool calls in the messages of the input before it. */
export function findOutputIssues(output: unknown, path: string, before: readonly PathedMessage[]): ExampleIssue[] {
  return [
    ...findMessagesIssues(output, path),
    ...(isFilledList(output) ? findOutputRoleIssues(output, path) : []),
    ...findAnswerIssues([...before, ...pathed(output, path)]),
  ];
}

function findOutputRoleIssues(output: readonly unknown[], path: string): ExampleIssue[] {
  const hasAssistant = output.some((message) => hasRole(message, 'assistant'));
  return [
    ...output.flatMap((message, index) => findRoleIssues(message, `${path}[${index}].role`)),
    ...(hasAssistant ? [] : [error(`${path}: has no message of the role assistant; expected at least one`)]),
    ...(output.length === 1
      ? []
      : [
          warning(
            `${path}: has ${output.length} messages; expected one for OpenAI, which trains on the last turn only`,
          ),
        ]),
  ];
}

function findRoleIssues(message: unknown, path: string): ExampleIssue[] {
  if (hasRole(message, 'assistant')) return [];
  if (hasRole(message, 'tool')) return [warning(`${path}: is tool; expected assistant for OpenAI, Azure allows both`)];
  return [error(`${path}: is another role; expected assistant`)];
}

/** OpenAI trains on preferences of text only; its specification and Azure allow images in the input. */
export const findInputImageIssues = (messages: unknown, path: string): ExampleIssue[] =>
  countImages(messages) > 0 ? [warning(`${path}: has images; expected only text for OpenAI`)] : [];
