import type { Page } from 'playwright-core';
import { post } from '../kit/client/post.ts';

/** What a picture shows. */
export interface Scene {
  readonly name: string;
  readonly hash: string;
  /** What has to be visible. */
  readonly ready: string;
  /** Opens what the scene shows, when the page alone does not. */
  readonly open?: (page: Page) => Promise<void>;
  /** The page below the window too. */
  readonly isWhole?: boolean;
}

interface JobNode {
  readonly id: string;
  readonly status: string;
  readonly method: { readonly type: string } | null;
}

const QUERY = '{ fineTuningJobs(first: 100) { nodes { id status method { type } } } }';

/** All pages and dialogs, with jobs of each method and of the statuses that look different. */
export async function scenesOf(graphUrl: string): Promise<readonly Scene[]> {
  const { body } = await post(graphUrl, { query: QUERY });
  const jobs: JobNode[] = Object(body.data).fineTuningJobs.nodes;
  const idOf = (status: string, method?: string) =>
    jobs.find((job) => job.status === status && (method === undefined || job.method?.type === method))?.id ?? '';
  const job = (name: string, id: string, ready = '.plot canvas'): Scene => ({
    name,
    hash: `#/jobs/${id}`,
    ready,
    isWhole: true,
  });
  const compared = jobs.filter(({ status, method }) => status === 'SUCCEEDED' && method?.type === 'SUPERVISED');
  const ids = compared.slice(0, 4).map(({ id }) => id);
  const running = jobs.findLast(({ status }) => status === 'RUNNING')?.id ?? ''; // The newest ones end meanwhile.
  return [
    { name: 'board', hash: '#/', ready: '.sparkline' },
    { name: 'board-filtered', hash: '#/?status=FAILED&q=a', ready: '.summary' },
    { name: 'board-no-match', hash: '#/?q=nothing-like-this', ready: '.no-match' },
    { ...job('job-supervised', idOf('SUCCEEDED', 'SUPERVISED')), hash: `#/jobs/${ids[0]}?smooth=0.6` },
    job('job-dpo', idOf('SUCCEEDED', 'DPO')),
    job('job-reinforcement', idOf('SUCCEEDED', 'REINFORCEMENT')),
    job('job-failed', idOf('FAILED'), '[data-event]'),
    job('job-running', running),
    job('job-missing', 'ftjob-nothing', 'h1'),
    { name: 'compare', hash: `#/compare?ids=${ids.join()}`, ready: '.compare-curves canvas', isWhole: true },
    { name: 'compare-none', hash: '#/compare', ready: 'h1' },
    { name: 'start', hash: '#/start', ready: '.start-form', isWhole: true },
    { name: 'clone', hash: `#/start?from=${idOf('SUCCEEDED', 'DPO')}`, ready: '.start-form', isWhole: true },
    { name: 'nowhere', hash: '#/nowhere', ready: 'h1' },
    {
      name: 'shortcuts',
      hash: '#/',
      ready: '.sparkline',
      open: (page) => page.getByRole('button', { name: 'Keyboard shortcuts' }).click(),
    },
    {
      name: 'confirm',
      hash: `#/jobs/${running}`,
      ready: '.job-actions button',
      open: (page) => page.getByRole('button', { name: 'Cancel', exact: true }).click(),
    },
    {
      name: 'selection',
      hash: '#/',
      ready: '.sparkline',
      open: async (page) => {
        for (const row of [0, 2]) await page.locator('.job-select input').nth(row).check();
      },
    },
  ];
}
