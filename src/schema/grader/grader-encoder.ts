import type { Issue } from '../../upstream/requests/validation.ts';
import { type InputIssue, InvalidInput } from '../mutation/failure.ts';
import { inputIssues, inputName } from '../mutation/input-issue.ts';
import { metric, operation } from './grader.ts';
import type { GraderGiven, MemberGraderGiven, MultiGraderGiven } from './grader-input.ts';

/** A grader of a client's, for the checks of requests. */
export interface EncodedGrader {
  /** As it is on the wire; nothing of it is checked yet. */
  readonly wire: object;
  /** What the wire cannot tell, with paths below the grader. */
  readonly issues: readonly InputIssue[];
  /** The way in the input to a place of the wire, below the grader. */
  path(below: Issue['path']): readonly string[];
}

/** Where the wire has a type the input has a field; and a list of named graders where the wire has a map of them. */
export function encodeGrader(given: GraderGiven): EncodedGrader {
  return given.multi ? encodeMulti(given.multi) : encodeMember(given);
}

type Check<Body> = { body: Body } | { issues: Issue[] };

/** What a check of an input with a grader has let through, or all that is wrong with the input. */
export function acceptedOf<Body>(draft: EncodedGrader, check: Check<Body>): { body: Body } | InvalidInput {
  const found = 'issues' in check ? inputIssues(check.issues, [{ at: ['grader'], path: draft.path }]) : [];
  const own = draft.issues.map(({ path, message }) => ({ path: ['grader', ...path], message }));
  return 'issues' in check || own.length > 0 ? new InvalidInput([...found, ...own]) : check;
}

type Kinds = { [Kind in keyof MemberGraderGiven]-?: NonNullable<MemberGraderGiven[Kind]> };

function encodeMember({ stringCheck, textSimilarity, python, scoreModel, labelModel }: Partial<Kinds>): EncodedGrader {
  if (stringCheck) {
    const wire = { ...stringCheck, operation: known(operation, stringCheck.operation) };
    return encode('stringCheck', { type: 'string_check', ...wire });
  }
  if (textSimilarity) {
    const { evaluationMetric, ...others } = textSimilarity;
    const wire = { ...others, evaluation_metric: known(metric, evaluationMetric) };
    return encode('textSimilarity', { type: 'text_similarity', ...wire });
  }
  if (python) {
    const { imageTag: image_tag, ...others } = python;
    return encode('python', { type: 'python', ...others, image_tag });
  }
  if (scoreModel) {
    const { modelId: model, messages: input, samplingParams: sampling_params, ...others } = scoreModel;
    return encode('scoreModel', { type: 'score_model', ...others, model, input, sampling_params }, MESSAGES);
  }
  const {
    modelId: model,
    messages: input,
    passingLabels: passing_labels,
    ...others
  } = labelModel as Kinds['labelModel']; // One is there: GraphQL has seen to it.
  return encode('labelModel', { type: 'label_model', ...others, model, input, passing_labels }, MESSAGES);
}

/** Model graders have messages where others have a text, both called `input` on the wire. */
const MESSAGES = { input: 'messages' };

function encode(kind: string, wire: object, names: Record<string, string> = {}): EncodedGrader {
  const path = ([member, ...below]: Issue['path']) =>
    member === undefined ? [kind] : [kind, names[member] ?? inputName(String(member)), ...below.map(String)];
  return { wire, issues: [], path };
}

const UNNAMED = 'expected a text that is not empty';
/** No schema of a map looks at a member of this name. */
const UNUSABLE = 'expected another name than __proto__';
const DOUBLED = 'expected another name, as a grader before it has this one';

function encodeMulti({ name, calculateOutput: calculate_output, graders }: MultiGraderGiven): EncodedGrader {
  const names = graders.map((named) => named.name);
  const isDoubled = (place: number) => names.indexOf(names[place] ?? '') < place;
  // What has no name of its own is checked all the same, under one that is never sent.
  const keys = names.map((own, place) => (isDoubled(place) ? `${own}\0${place}` : own));
  const members = graders.map(({ grader }) => encodeMember(grader));
  const { path } = encode('multi', {});
  return {
    wire: {
      ...{ type: 'multi', name, calculate_output },
      graders: Object.fromEntries(members.map(({ wire }, place) => [keys[place], wire])),
    },
    issues: names.flatMap((own, place) => {
      const message = own === '' ? UNNAMED : own === '__proto__' ? UNUSABLE : isDoubled(place) ? DOUBLED : null;
      return message === null ? [] : [{ path: ['multi', 'graders', String(place), 'name'], message }];
    }),
    path([member, key, ...below]) {
      if (member !== 'graders' || key === undefined) return path(member === undefined ? [] : [member]);
      const place = keys.indexOf(String(key));
      return ['multi', 'graders', String(place), 'grader', ...(members[place]?.path(below) ?? [])];
    },
  };
}

// UNKNOWN is nothing that can be asked for: the check misses a value in its place.
function known<Name extends string>(
  { write }: { write: (value: Name | 'UNKNOWN', argument: string) => string },
  value: Name | 'UNKNOWN',
): string | null {
  return value === 'UNKNOWN' ? null : write(value, '');
}
