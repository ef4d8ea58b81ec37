import { NEW_JOB } from './new-job-tab.ts';

/** A tab of GraphiQL; it is called by the name of its operation. */
interface Tab {
  readonly query: string;
  /** JSON. */
  readonly variables?: string;
}

/**
 * What GraphiQL opens with: jobs, those that move as they do it, from three sides the job with this id, and the life of a
 * new one.
 */
export function exampleTabs(jobId: string): Tab[] {
  const variables = JSON.stringify({ id: jobId }, null, 2);
  const ofJob = [LOSS_CURVE, EVENTS_AND_CHECKPOINTS, JOB].map((query) => ({ query, variables }));
  const ofNewJob = JSON.stringify({ fileId: '', jobId: '' }, null, 2);
  return [{ query: JOBS }, { query: LIVE_JOBS }, ...ofJob, { query: NEW_JOB, variables: ofNewJob }];
}

const JOBS = `# The newest jobs: press the button.
query Jobs {
  gateway {
    upstreamName
    isSandbox
  }
  fineTuningJobs(first: 10) {
    edges {
      node {
        id
        status
        createdAt
        modelId
        model {
          id
          shutdownDate
        }
        progress {
          fraction
          estimatedFinishAt
        }
        trainingFile {
          filename
          bytes
        }
        error {
          message
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const LIVE_JOBS = `# Every change of any job, as it happens.
# The button begins and ends it.
subscription LiveJobs {
  anyFineTuningJobStatusChanged {
    previousStatus
    status
    source
    observedAt
    job {
      id
      modelId
      suffix
      progress {
        step
        totalSteps
        fraction
        estimatedFinishAt
      }
      fineTunedModel {
        id
      }
      error {
        message
      }
    }
  }
}
`;

const LOSS_CURVE = `# The loss curve of the job in the variables.
query LossCurve($id: ID!) {
  fineTuningJob(id: $id) {
    status
    fineTunedModel {
      id
    }
    progress {
      step
      totalSteps
      fraction
      epoch
    }
    metrics(maxPoints: 100) {
      totalPoints
      isComplete
      points {
        step
        trainLoss
        validLoss
        fullValidLoss
      }
    }
  }
}
`;

const EVENTS_AND_CHECKPOINTS = `# The end of a job's log, and what it saved.
query EventsAndCheckpoints($id: ID!) {
  fineTuningJob(id: $id) {
    events(first: 10) {
      edges {
        node {
          level
          message
          createdAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
    checkpoints {
      edges {
        node {
          stepNumber
          fineTunedModelId
          metrics {
            trainLoss
            fullValidLoss
          }
        }
      }
    }
  }
}
`;

const JOB = `# How a job trains, and on what.
query Job($id: ID!) {
  fineTuningJob(id: $id) {
    id
    status
    isTerminal
    modelId
    suffix
    seed
    validationFile {
      filename
    }
    resultFiles {
      filename
      preview(maxBytes: 200) {
        text
      }
    }
    method {
      type
      ... on FineTuningJobSupervisedMethod {
        hyperparameters {
          nEpochs
          batchSize
          learningRateMultiplier
        }
      }
      ... on FineTuningJobDpoMethod {
        hyperparameters {
          nEpochs
          beta
        }
      }
      ... on FineTuningJobReinforcementMethod {
        hyperparameters {
          nEpochs
          reasoningEffort
        }
        grader {
          type
          name
        }
      }
    }
    integrations {
      type
      ... on FineTuningJobWandbIntegration {
        project
        runId
      }
    }
    metadata {
      key
      value
    }
  }
}
`;
