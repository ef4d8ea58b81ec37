import { isObject } from '../../upstream/json/members.ts';

/** What a grader's texts may name: `{{ sample.output_text }}`, `{{ item.answer }}`. */
export interface Namespaces {
  readonly sample: object;
  readonly item: object;
}

/** The answer of a model, and the item of the data set that it answers. */
export function namespacesOf(answer: string, item: object): Namespaces {
  const json = parsed(answer);
  return { sample: { output_text: answer, ...(json !== undefined && { output_json: json }) }, item };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text with its variables filled in; null when one is not there. */
export function fill(template: string, namespaces: Namespaces): string | null {
  let isComplete = true;
  const text = template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, path: string) => {
    const value = path.split('.').reduce(memberOf, namespaces);
    if (value === undefined) isComplete = false;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  return isComplete ? text : null;
}

function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value[Number(name)];
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
