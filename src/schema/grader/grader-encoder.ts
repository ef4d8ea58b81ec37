import type { Issue } from '../../upstream/requests/validation.ts';
import { type InputIssue, InvalidInput } from '../mutation/failure.ts';
import { inputIssues, inputName } from '../mutation/input-issue.ts';
import { metric, operation } from './grader.ts';
import type { GraderInputValue, MemberGraderInputValue, MultiGraderInputValue } from './grader-input.ts';

/** A grader of an input in the form of the REST API. */
export interface EncodedGrader {
  /** The grader as it is sent. Not validated yet. */
  readonly wire: object;
  /** Problems that the REST form cannot express, with paths from the grader. */
  readonly issues: readonly InputIssue[];
  /** Maps a path of the REST form to a path of the input, both from the grader. */
  path(wirePath: Issue['path']): readonly string[];
}

/**
 * Encodes a grader. The input has one field per type where the REST form has `type`, and a list of named graders where
 * the REST form has a map.
 */
export function encodeGrader(input: GraderInputValue): EncodedGrader {
  return input.multi ? encodeMulti(input.multi) : encodeMember(input);
}

type Validation<Body> = { body: Body } | { issues: Issue[] };

/** Returns the body of a valid request with a grader at `grader`, or all problems of the input. */
export function validatedBody<Body>(
  encoded: EncodedGrader,
  validation: Validation<Body>,
): { body: Body } | InvalidInput {
  const mappings = [{ at: ['grader'], path: encoded.path }];
  const wireIssues = 'issues' in validation ? inputIssues(validation.issues, mappings) : [];
  const ownIssues = encoded.issues.map(({ path, message }) => ({ path: ['grader', ...path], message }));
  const isInvalid = 'issues' in validation || ownIssues.length > 0;
  return isInvalid ? new InvalidInput([...wireIssues, ...ownIssues]) : validation;
}

type MemberTypes = { [Type in keyof MemberGraderInputValue]-?: NonNullable<MemberGraderInputValue[Type]> };

function encodeMember(member: Partial<MemberTypes>): EncodedGrader {
  const { stringCheck, textSimilarity, python, scoreModel, labelModel } = member;
  if (stringCheck) {
    const wire = { ...stringCheck, operation: knownOrNull(operation, stringCheck.operation) };
    return encode('stringCheck', { type: 'string_check', ...wire });
  }
  if (textSimilarity) {
    const { evaluationMetric, ...others } = textSimilarity;
    const wire = { ...others, evaluation_metric: knownOrNull(metric, evaluationMetric) };
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
  } = labelModel as MemberTypes['labelModel']; // GraphQL guarantees exactly one field of a @oneOf input.
  return encode('labelModel', { type: 'label_model', ...others, model, input, passing_labels }, MESSAGES);
}

/** The REST form of a model grader has its messages in `input`, where other graders have a text. */
const MESSAGES = { input: 'messages' };

function encode(type: string, wire: object, names: Record<string, string> = {}): EncodedGrader {
  const path = ([member, ...rest]: Issue['path']) =>
    member === undefined ? [type] : [type, names[member] ?? inputName(String(member)), ...rest.map(String)];
  return { wire, issues: [], path };
}

const EMPTY_NAME = 'is empty; expected a name, such as accuracy';
/** A schema of a map ignores a member of this name. */
const RESERVED_NAME = 'is __proto__, which is reserved; expected another name, such as accuracy';
const REPEATED_NAME = 'is also the name of an earlier grader; expected a name that is used once, such as accuracy';

function encodeMulti({ name, calculateOutput: calculate_output, graders }: MultiGraderInputValue): EncodedGrader {
  const names = graders.map((named) => named.name);
  const isRepeated = (index: number) => names.indexOf(names[index] ?? '') < index;
  // A grader with a repeated name is validated too, under a key that is never sent.
  const keys = names.map((own, index) => (isRepeated(index) ? `${own}\0${index}` : own));
  const members = graders.map(({ grader }) => encodeMember(grader));
  const { path } = encode('multi', {});
  return {
    wire: {
      ...{ type: 'multi', name, calculate_output },
      graders: Object.fromEntries(members.map(({ wire }, index) => [keys[index], wire])),
    },
    issues: names.flatMap((own, index) => {
      const message =
        own === '' ? EMPTY_NAME : own === '__proto__' ? RESERVED_NAME : isRepeated(index) ? REPEATED_NAME : null;
      return message === null ? [] : [{ path: ['multi', 'graders', String(index), 'name'], message }];
    }),
    path([member, key, ...rest]) {
      if (member !== 'graders' || key === undefined) return path(member === undefined ? [] : [member]);
      const index = keys.indexOf(String(key));
      return ['multi', 'graders', String(index), 'grader', ...(members[index]?.path(rest) ?? [])];
    },
  };
}

// UNKNOWN becomes null, which the validation reports as a missing value.
function knownOrNull<Name extends string>(
  { write }: { write: (name: Name | 'UNKNOWN', argument: string) => string },
  name: Name | 'UNKNOWN',
): string | null {
  return name === 'UNKNOWN' ? null : write(name, '');
}
