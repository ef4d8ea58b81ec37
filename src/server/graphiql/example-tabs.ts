import { readFile } from 'node:fs/promises';

/** A tab of GraphiQL. Its title is the name of its first operation. */
export interface Tab {
  readonly query: string;
  /** JSON. */
  readonly variables?: string;
}

/** Ids that exist upstream, or placeholders, for the variables of the tabs. */
export interface ExampleIds {
  readonly jobId: string;
  readonly fileId: string;
}

/** Reads the tabs that GraphiQL opens with. Each is a file in `tabs/`, with ids inserted into its variables. */
export function readExampleTabs({ jobId, fileId }: ExampleIds): Promise<Tab[]> {
  return Promise.all([
    readTab('jobs'),
    readTab('live-jobs'),
    readTab('loss-curve', { id: jobId }),
    readTab('events-and-checkpoints', { id: jobId }),
    readTab('job', { id: jobId }),
    readTab('new-job', { fileId, jobId }),
  ]);
}

async function readTab(name: string, variables?: Readonly<Record<string, string>>): Promise<Tab> {
  const query = await readFile(new URL(`tabs/${name}.graphql`, import.meta.url), 'utf8');
  return variables ? { query, variables: JSON.stringify(variables, null, 2) } : { query };
}
