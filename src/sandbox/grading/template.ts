import { isObject } from '../../upstream/json/members.ts';

/** The variables of a template: `{{ sample.output_text }}`, `{{ item.answer }}`. */
export interface Namespaces {
  readonly sample: object;
  readonly item: object;
}

/** Creates the namespaces of a model sample, with `output_json` when it is JSON, and of a data set item. */
export function createNamespaces(sample: string, item: object): Namespaces {
  const json = parseJson(sample);
  return { sample: { output_text: sample, ...(json !== undefined && { output_json: json }) }, item };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaces the variables of a template. Returns null when one does not exist. */
export function renderTemplate(template: string, namespaces: Namespaces): string | null {
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
