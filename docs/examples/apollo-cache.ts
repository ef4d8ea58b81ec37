import { InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

// Sample to copy: the cache of Apollo Client for this schema.

const COMMON_FAILURES = [
  'ForbiddenError',
  'QuotaExceededError',
  'OutcomeUnknownError',
  'UnavailableError',
  'UpstreamError',
];
const JOB_FAILURES = ['NotFoundError', 'ConflictError', ...COMMON_FAILURES];

/** The members of every interface and union: Apollo Client matches fragments by them. */
const possibleTypes = {
  Node: ['File', 'FineTuningJob', 'Model'],
  Error: ['InvalidInputError', 'InvalidTrainingFileError', ...JOB_FAILURES],

  CreateFineTuningJobResult: ['CreateFineTuningJobSuccess', 'InvalidInputError', 'ConflictError', ...COMMON_FAILURES],
  CancelFineTuningJobResult: ['CancelFineTuningJobSuccess', ...JOB_FAILURES],
  PauseFineTuningJobResult: ['PauseFineTuningJobSuccess', ...JOB_FAILURES],
  ResumeFineTuningJobResult: ['ResumeFineTuningJobSuccess', ...JOB_FAILURES],
  UploadFileResult: ['UploadFileSuccess', 'InvalidInputError', 'InvalidTrainingFileError', ...COMMON_FAILURES],
  DeleteFileResult: ['DeleteFileSuccess', 'NotFoundError', ...COMMON_FAILURES],
  DeleteModelResult: ['DeleteModelSuccess', 'NotFoundError', ...COMMON_FAILURES],
  CreateCheckpointPermissionsResult: [
    'CreateCheckpointPermissionsSuccess',
    'InvalidInputError',
    'NotFoundError',
    ...COMMON_FAILURES,
  ],
  DeleteCheckpointPermissionResult: ['DeleteCheckpointPermissionSuccess', 'NotFoundError', ...COMMON_FAILURES],
  ValidateGraderResult: ['ValidateGraderSuccess', 'InvalidInputError', ...COMMON_FAILURES],
  RunGraderResult: ['RunGraderSuccess', 'InvalidInputError', ...COMMON_FAILURES],

  Grader: [
    'StringCheckGrader',
    'TextSimilarityGrader',
    'PythonGrader',
    'ScoreModelGrader',
    'LabelModelGrader',
    'MultiGrader',
    'UnknownGrader',
  ],
  FineTuningJobMethod: [
    'FineTuningJobSupervisedMethod',
    'FineTuningJobDpoMethod',
    'FineTuningJobReinforcementMethod',
    'FineTuningJobUnknownMethod',
  ],
  FineTuningJobIntegration: ['FineTuningJobWandbIntegration', 'FineTuningJobUnknownIntegration'],
  FineTuningJobCommonHyperparameters: [
    'FineTuningJobHyperparameters',
    'FineTuningJobDpoHyperparameters',
    'FineTuningJobReinforcementHyperparameters',
  ],
};

/** For an object without an id: fields of several queries are merged instead of replaced. */
const merged = { merge: true };

/**
 * Creates the cache. Lists are paged by `fetchMore({ variables: { after: data.fineTuningJobs.pageInfo.endCursor } })`.
 * Lists of objects without an id, such as `points` and `metadata`, are replaced as a whole: select them with the same
 * fragment everywhere.
 */
export function createCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes,
    typePolicies: {
      Query: {
        fields: { fineTuningJobs: relayStylePagination(['filter']), files: relayStylePagination(['filter', 'order']) },
      },
      FineTuningJob: { fields: { events: relayStylePagination(), checkpoints: relayStylePagination() } },
      FineTuningJobMetrics: merged,
      FineTuningJobProgress: merged,
      FineTuningJobError: merged,
      FineTuningJobMethod: merged,
      FineTuningJobCommonHyperparameters: merged,
      Gateway: merged,
      Grader: merged,
    },
  });
}
