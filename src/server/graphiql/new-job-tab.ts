/** The life of a new job, as one tab of GraphiQL: its button lets one of these operations be chosen. */
export const NEW_JOB = `# A job from its file to its end: the button offers one after the other.
# What one of them answers goes into the variables of the next.
mutation UploadFile {
  uploadFile(
    input: {
      filename: "triage.jsonl"
      text: """
      {"messages":[{"role":"user","content":"My invoice shows the wrong amount"},{"role":"assistant","content":"billing"}]}
      {"messages":[{"role":"user","content":"The app closes when I open a photo"},{"role":"assistant","content":"bug"}]}
      {"messages":[{"role":"user","content":"Could you add a dark theme?"},{"role":"assistant","content":"wish"}]}
      {"messages":[{"role":"user","content":"I was charged twice this month"},{"role":"assistant","content":"billing"}]}
      {"messages":[{"role":"user","content":"Nothing happens when I press save"},{"role":"assistant","content":"bug"}]}
      {"messages":[{"role":"user","content":"It would be nice to sort by date"},{"role":"assistant","content":"wish"}]}
      {"messages":[{"role":"user","content":"Where do I enter a new card?"},{"role":"assistant","content":"billing"}]}
      {"messages":[{"role":"user","content":"The export is empty since Monday"},{"role":"assistant","content":"bug"}]}
      {"messages":[{"role":"user","content":"Please let me rename my folders"},{"role":"assistant","content":"wish"}]}
      {"messages":[{"role":"user","content":"The login page shows an error"},{"role":"assistant","content":"bug"}]}
      """
    }
  ) {
    ... on UploadFileSuccess {
      file {
        id
        bytes
      }
      report {
        format
        exampleCount
      }
    }
    ... on InvalidTrainingFileError {
      report {
        issues {
          line
          severity
          message
        }
      }
    }
    ... on Error {
      code
      message
    }
    ... on UpstreamError {
      upstreamMessage
    }
  }
}

mutation StartJob($fileId: ID!) {
  createFineTuningJob(
    input: {
      modelId: "gpt-4.1-mini"
      trainingFileId: $fileId
      suffix: "triage"
      method: { supervised: { hyperparameters: { nEpochs: 3 } } }
    }
  ) {
    ... on CreateFineTuningJobSuccess {
      fineTuningJob {
        id
        status
      }
    }
    ... on InvalidInputError {
      issues {
        path
        message
      }
    }
    ... on Error {
      code
      message
    }
    ... on UpstreamError {
      upstreamMessage
    }
  }
}

subscription WatchJob($jobId: ID!) {
  fineTuningJobStatusChanged(jobId: $jobId) {
    source
    job {
      status
      progress {
        step
        totalSteps
      }
      fineTunedModelId
      viewerCanCancel
    }
  }
}

mutation CancelJob($jobId: ID!) {
  cancelFineTuningJob(input: { jobId: $jobId }) {
    ... on CancelFineTuningJobSuccess {
      fineTuningJob {
        id
        status
      }
    }
    ... on Error {
      code
      message
    }
    ... on UpstreamError {
      upstreamMessage
    }
  }
}
`;
