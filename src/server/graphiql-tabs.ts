/** A tab of GraphiQL; it is called by the name of its operation. */
interface Tab {
  readonly query: string;
  /** JSON. */
  readonly variables?: string;
}

/** What GraphiQL opens with: jobs, and from three sides the job with this id. */
export function exampleTabs(jobId: string): Tab[] {
  const variables = JSON.stringify({ id: jobId }, null, 2);
  return [{ query: JOBS }, ...[LOSS_CURVE, EVENTS_AND_CHECKPOINTS, JOB].map((query) => ({ query, variables }))];
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
