import { isObject, type Members, membersOf } from '../json/members.ts';
import { parseJson } from '../json/parse.ts';
import { contentProblem, typeProblem } from '../json/problem.ts';
import { type ExampleIssue, error, isFilledList, requireString, warning } from './example-issue.ts';

/** Returns the issues of each call of a message. */
export function findToolCallsIssues(calls: unknown, path: string): ExampleIssue[] {
  if (!isFilledList(calls)) return [error(`${path}: ${contentProblem(calls)}; expected a list of tool calls`)];
  const ids = new Set<unknown>();
  return calls.flatMap((call, index) => {
    const callPath = `${path}[${index}]`;
    const id = isObject(call) ? call['id'] : undefined;
    const isRepeated = typeof id === 'string' && ids.has(id);
    ids.add(id);
    return [
      ...findToolCallIssues(call, callPath),
      ...(isRepeated ? [warning(`${callPath}.id: repeats the id of an earlier call; expected an id of its own`)] : []),
    ];
  });
}

function findToolCallIssues(call: unknown, path: string): ExampleIssue[] {
  if (!isObject(call)) return [error(`${path}: ${typeProblem(call)}; expected an object with id, type and function`)];
  return [
    ...findIdIssues(call, `${path}.id`),
    ...(call['type'] === 'custom'
      ? [customType(path)]
      : [...findTypeIssues(call, `${path}.type`), ...findFunctionCallIssues(call['function'], `${path}.function`)]),
  ];
}

/** Microsoft publishes examples of calls without id. OpenAI's specification requires it. */
function findIdIssues({ id }: Members, path: string): ExampleIssue[] {
  if (id == null) return [warning(`${path}: ${typeProblem(id)}; expected a string, because some servers require it`)];
  return requireString(id, path);
}

function findTypeIssues({ type }: Members, path: string): ExampleIssue[] {
  if (type === 'function' || type === undefined) return [];
  return [error(`${path}: ${typeof type === 'string' ? 'is unknown' : typeProblem(type)}; expected function`)];
}

const JSON_EXPECTED = 'expected JSON in a string, such as "{\\"city\\": \\"Paris\\"}"';

/** Returns the issues of a called function: the member `function` of a tool call, or the deprecated `function_call`. */
export function findFunctionCallIssues(called: unknown, path: string): ExampleIssue[] {
  if (!isObject(called)) return [error(`${path}: ${typeProblem(called)}; expected an object with name and arguments`)];
  return [
    ...requireString(called['name'], `${path}.name`),
    ...findArgumentsIssues(called['arguments'], `${path}.arguments`),
  ];
}

function findArgumentsIssues(text: unknown, path: string): ExampleIssue[] {
  if (typeof text !== 'string') return [error(`${path}: ${typeProblem(text)}; ${JSON_EXPECTED}`)];
  return parseJson(text) === undefined ? [warning(`${path}: is not JSON; ${JSON_EXPECTED}`)] : [];
}

/** Returns the issues of the tools that an example describes. */
export function findToolsIssues({ tools }: Members, prefix: string): ExampleIssue[] {
  if (tools == null) return [];
  if (!Array.isArray(tools)) return [error(`${prefix}tools: ${typeProblem(tools)}; expected a list of tools`)];
  return tools.flatMap((tool: unknown, index) => findToolIssues(tool, `${prefix}tools[${index}]`));
}

function findToolIssues(tool: unknown, path: string): ExampleIssue[] {
  const { type, function: described, custom } = membersOf(tool);
  return type === 'custom'
    ? [customType(path), ...findNameIssues(custom, `${path}.custom`)]
    : findNameIssues(described, `${path}.function`);
}

const findNameIssues = (described: unknown, path: string): ExampleIssue[] =>
  isObject(described) && typeof described['name'] === 'string'
    ? []
    : [error(`${path}: is invalid; expected an object with the string name`)];

const customType = (path: string) =>
  warning(`${path}.type: is custom; expected function, because some servers train on no other tools`);
