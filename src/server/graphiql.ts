import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Negotiator from 'negotiator';
import type { Reply } from './reply.ts';

const compress = promisify(gzip);

/** Serves the GraphiQL page, whole: it loads nothing else. `exampleJobId` is filled into one of its example tabs. */
export function createGraphiql(exampleJobId: string): (headers: IncomingHttpHeaders) => Promise<Reply> {
  let page: ReturnType<typeof makePage> | undefined; // At the first wish: it is 9 MB large.
  return async (headers) => {
    page ??= makePage(exampleJobId);
    const { html, gzipped, etag } = await page;
    const common = { etag, 'cache-control': 'no-cache', vary: 'accept, accept-encoding', 'x-frame-options': 'DENY' };
    if (headers['if-none-match']?.includes(etag)) return { status: 304, headers: common };
    const type = { 'content-type': 'text/html; charset=utf-8' };
    return new Negotiator({ headers }).encoding(['gzip', 'identity']) === 'gzip'
      ? { status: 200, headers: { ...common, ...type, 'content-encoding': 'gzip' }, body: gzipped }
      : { status: 200, headers: { ...common, ...type }, body: html };
  };
}

async function makePage(exampleJobId: string) {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const defaultTabs = [jobsTab, jobTab(exampleJobId)];
  const html = Buffer.from(renderGraphiQL({ title: 'Finetune Gateway', defaultTabs, schemaDescription: true }));
  const etag = `W/"${createHash('sha256').update(html).digest('base64url')}"`;
  return { html, gzipped: await compress(html), etag };
}

const jobsTab = {
  query: `# The newest jobs: press the button.
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
        modelId
        fineTunedModelId
        createdAt
        finishedAt
        trainedTokens
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
`,
};

const jobTab = (exampleJobId: string) => ({
  query: `# One job; its id is in the variables.
query Job($id: ID!) {
  fineTuningJob(id: $id) {
    id
    status
    isTerminal
    modelId
    suffix
    seed
    trainingFileId
    validationFileId
    resultFileIds
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
`,
  variables: JSON.stringify({ id: exampleJobId }, null, 2),
});
