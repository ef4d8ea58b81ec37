import type { CloneGraderFragment, CloneSourceQuery } from '../../operations/generated.ts';

type Method = NonNullable<NonNullable<CloneSourceQuery['fineTuningJob']>['method']>;

/** The grader of a job. */
export type JobGrader = NonNullable<Extract<Method, { __typename: 'FineTuningJobReinforcementMethod' }>['grader']>;

/** A grader of a job as a `GraderInput`; null when the input cannot express it. */
export function graderInputOf(grader: JobGrader): object | null {
  if (grader.__typename !== 'MultiGrader') return memberInputOf(grader);
  const { name, calculateOutput, graders } = grader;
  const members = graders.map((member) => ({ name: member.name, grader: memberInputOf(member.grader) }));
  return members.some((member) => member.grader === null)
    ? null
    : { multi: { name, calculateOutput, graders: members } };
}

/** Values that are null have a default. */
function memberInputOf(grader: CloneGraderFragment): object | null {
  switch (grader.__typename) {
    case 'StringCheckGrader': {
      const { name, input, reference, operation } = grader;
      return operation === 'UNKNOWN' ? null : { stringCheck: { name, input, reference, operation } };
    }
    case 'TextSimilarityGrader': {
      const { name, input, reference, evaluationMetric } = grader;
      return evaluationMetric === 'UNKNOWN' ? null : { textSimilarity: { name, input, reference, evaluationMetric } };
    }
    case 'PythonGrader': {
      const { name, source, imageTag } = grader;
      return { python: { name, source, ...present({ imageTag }) } };
    }
    case 'ScoreModelGrader': {
      const { name, modelId, messages, range, samplingParams } = grader;
      return { scoreModel: { name, modelId, messages, ...present({ range, samplingParams }) } };
    }
    case 'LabelModelGrader': {
      const { name, modelId, messages, labels, passingLabels } = grader;
      return { labelModel: { name, modelId, messages, labels, passingLabels } };
    }
    default:
      return null;
  }
}

const present = (members: object) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
