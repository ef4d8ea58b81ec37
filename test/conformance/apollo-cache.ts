import { InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

// For clients to copy: what Apollo Client has to be told of the schema. Objects without an id are merged; lists of such
// objects (`points`, `metadata`) are replaced whole: ask for them with the same fragment everywhere.

const merged = { merge: true };

/** What a mutation can answer in place of its success. */
const COMMON_FAILURES = ['ForbiddenError', 'QuotaExceededError', 'OutcomeUnknownError', 'UpstreamError'];
const FAILURES = ['NotFoundError', 'ConflictError', ...COMMON_FAILURES];

/** The next page of a list: `fetchMore({ variables: { after: data.fineTuningJobs.pageInfo.endCursor } })`. */
export function createCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes: {
      Node: ['File', 'FineTuningJob', 'Model'],
      CreateFineTuningJobResult: [
        'CreateFineTuningJobSuccess',
        'InvalidInputError',
        'ConflictError',
        ...COMMON_FAILURES,
      ],
      Error: ['InvalidInputError', 'InvalidTrainingFileError', ...FAILURES],
      CancelFineTuningJobResult: ['CancelFineTuningJobSuccess', ...FAILURES],
      PauseFineTuningJobResult: ['PauseFineTuningJobSuccess', ...FAILURES],
      ResumeFineTuningJobResult: ['ResumeFineTuningJobSuccess', ...FAILURES],
      ValidateGraderResult: ['ValidateGraderSuccess', 'InvalidInputError', ...COMMON_FAILURES],
      RunGraderResult: ['RunGraderSuccess', 'InvalidInputError', ...COMMON_FAILURES],
      DeleteModelResult: ['DeleteModelSuccess', 'NotFoundError', ...COMMON_FAILURES],
      CreateCheckpointPermissionsResult: [
        'CreateCheckpointPermissionsSuccess',
        'InvalidInputError',
        'NotFoundError',
        ...COMMON_FAILURES,
      ],
      DeleteCheckpointPermissionResult: ['DeleteCheckpointPermissionSuccess', 'NotFoundError', ...COMMON_FAILURES],
      DeleteFileResult: ['DeleteFileSuccess', 'NotFoundError', ...COMMON_FAILURES],
      UploadFileResult: ['UploadFileSuccess', 'InvalidInputError', 'InvalidTrainingFileError', ...COMMON_FAILURES],
      Grader: [
        'StringCheckGrader',
        'TextSimilarityGrader',
        'PythonGrader',
        'ScoreModelGrader',
        'LabelModelGrader',
        'MultiGrader',
        'UnknownGrader',
      ],
      FineTuningJobMethod: ['Supervised', 'Dpo', 'Reinforcement', 'Unknown'].map(
        (name) => `FineTuningJob${name}Method`,
      ),
      FineTuningJobIntegration: ['Wandb', 'Unknown'].map((name) => `FineTuningJob${name}Integration`),
      FineTuningJobCommonHyperparameters: ['', 'Dpo', 'Reinforcement'].map(
        (name) => `FineTuningJob${name}Hyperparameters`,
      ),
    },
    typePolicies: {
      Query: {
        fields: { fineTuningJobs: relayStylePagination(['filter']), files: relayStylePagination(['filter', 'order']) },
      },
      FineTuningJob: { fields: { events: relayStylePagination(), checkpoints: relayStylePagination() } },
      FineTuningJobMetrics: merged,
      FineTuningJobProgress: merged,
      FineTuningJobError: merged,
      Gateway: merged,
      FineTuningJobMethod: merged,
      FineTuningJobCommonHyperparameters: merged,
      Grader: merged,
    },
  });
}
