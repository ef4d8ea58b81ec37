import { isObject } from '../json/members.ts';
import { typeProblem } from '../json/problem.ts';
import { type ExampleIssue, error, requireString, warning } from './example-issue.ts';
import { isKnownRole } from './role.ts';
import { findTextIssues } from './text-rules.ts';

// Content parts: text, images in messages of the user, refusals of the assistant (docs/upstream.md: Training file rules).

/** Returns the issues of a list of content parts in a message of this role. */
export function findContentPartsIssues(parts: readonly unknown[], role: unknown, path: string): ExampleIssue[] {
  return parts.flatMap((part, index) => findPartIssues(part, role, `${path}[${index}]`));
}

function findPartIssues(part: unknown, role: unknown, path: string): ExampleIssue[] {
  if (!isObject(part)) {
    return [error(`${path}: ${typeProblem(part)}; expected an object, such as {"type": "text", "text": "Hi"}`)];
  }
  switch (part['type']) {
    case 'text':
      return findTextIssues(part['text'], `${path}.text`);
    case 'image_url':
      return [...requireRole(role, 'user', `${path}.type: is image_url`), ...findImageIssues(part['image_url'], path)];
    case 'refusal':
      return [
        ...requireRole(role, 'assistant', `${path}.type: is refusal`),
        ...findTextIssues(part['refusal'], `${path}.refusal`),
      ];
    default:
      return [error(`${path}.type: ${partTypeProblem(part['type'])}; expected one of text, image_url, refusal`)];
  }
}

/** Parts of requests to chat models that training data may not have. */
const NOT_FOR_TRAINING = new Set<unknown>(['input_audio', 'file']);

function partTypeProblem(type: unknown): string {
  if (NOT_FOR_TRAINING.has(type)) return 'is not supported in training data';
  return typeof type === 'string' ? 'is unknown' : typeProblem(type);
}

const requireRole = (role: unknown, expected: string, problem: string): ExampleIssue[] =>
  role === expected || !isKnownRole(role)
    ? []
    : [error(`${problem} in a message of another role; expected it only in messages of the role ${expected}`)];

const URL_EXPECTED = 'expected an object with url, such as {"url": "https://example.com/a.png"}';
const KNOWN_URL = /^(?:https?:\/\/|data:image\/(?:jpe?g|png|webp);base64,)/i;

function findImageIssues(image: unknown, path: string): ExampleIssue[] {
  if (!isObject(image)) return [error(`${path}.image_url: ${typeProblem(image)}; ${URL_EXPECTED}`)];
  const { url } = image;
  if (typeof url !== 'string') return requireString(url, `${path}.image_url.url`);
  if (KNOWN_URL.test(url)) return [];
  return [
    warning(
      `${path}.image_url.url: is no known image; expected an HTTP URL, or JPEG, PNG or WEBP as a data URL, such as data:image/png;base64,iVBOR`,
    ),
  ];
}

/** The maximum of Azure, the largest that is known. */
const MAX_IMAGES = 64;
const MAX_IMAGES_OF_OPENAI = 10;

/** Returns the number of images in a list of messages. */
export function countImages(messages: unknown): number {
  if (!Array.isArray(messages)) return 0;
  const parts = messages.flatMap((message) => (isObject(message) ? message['content'] : []));
  return parts.filter((part) => isObject(part) && part['type'] === 'image_url').length;
}

export function findImageCountIssues(messages: unknown, path: string): ExampleIssue[] {
  const count = countImages(messages);
  if (count > MAX_IMAGES) return [error(`${path}: has ${count} images; expected at most ${MAX_IMAGES} in an example`)];
  if (count <= MAX_IMAGES_OF_OPENAI) return [];
  return [
    warning(
      `${path}: has ${count} images; expected at most ${MAX_IMAGES_OF_OPENAI} for OpenAI, ${MAX_IMAGES} for Azure`,
    ),
  ];
}
