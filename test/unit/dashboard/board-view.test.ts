import { describe, expect, it } from 'vitest';
import {
  countStatuses,
  needsAllJobs,
  readBoardView,
  selectJobs,
  withoutFilters,
  writeView,
} from '../../../src/dashboard/board/board-view.ts';
import type { BoardJobFragment } from '../../../src/dashboard/operations/generated.ts';

const job = (id: string, members: Partial<BoardJobFragment> = {}): BoardJobFragment => ({
  id,
  status: 'SUCCEEDED',
  rawStatus: 'succeeded',
  isTerminal: true,
  modelId: 'gpt-4.1',
  suffix: null,
  createdAt: 1_767_225_600,
  finishedAt: null,
  metadata: [],
  method: { type: 'SUPERVISED', rawType: 'supervised' },
  ...members,
});

const JOBS = [
  job('ftjob-a', { suffix: 'tone-10', metadata: [{ key: 'team', value: 'support=eu' }], createdAt: 3 }),
  job('ftjob-b', { suffix: 'tone-9', status: 'RUNNING', modelId: 'gpt-4o', createdAt: 2 }),
  job('ftjob-c', { method: { type: 'DPO', rawType: 'dpo' }, status: 'FAILED', createdAt: 1 }),
  job('ftjob-d', { method: null, metadata: [{ key: 'team', value: 'Sales' }], createdAt: 0 }),
];

const view = (search = '') => readBoardView(new URLSearchParams(search));
const shown = (search: string) => selectJobs(JOBS, view(search)).map(({ id }) => id.slice(-1));

describe('the view of the board', () => {
  it.each([
    ['', 'abcd'],
    ['q=TONE', 'ab'],
    ['q=tone+support', 'a'],
    ['q=team=sales', 'd'],
    ['q=ftjob-c', 'c'],
    ['q=dpo', 'c'],
    ['status=RUNNING,FAILED', 'bc'],
    ['model=gpt-4o', 'b'],
    ['method=SUPERVISED', 'ab'],
    ['metadata=team', 'ad'],
    ['metadata=team=', 'ad'],
    ['metadata=team=support=eu', 'a'],
    ['metadata=team=supp', 'a'],
    ['metadata=TEAM=sales', 'd'],
    ['metadata=te', 'ad'],
    ['metadata=te=support', ''],
    ['metadata=team,team=s', 'ad'],
    ['metadata=team=support, team=sales', ''],
    ['metadata==support', 'abcd'],
    ['q=tone&status=RUNNING', 'b'],
    ['sort=created', 'dcba'],
    ['sort=status', 'badc'],
    ['sort=-status', 'cadb'],
    ['sort=job', 'cdba'],
    ['sort=model', 'acdb'],
    ['sort=-method', 'abcd'],
    ['sort=nothing', 'abcd'],
  ])('selects and orders the jobs of ?%s', (search, ids) => {
    expect(shown(search).join('')).toBe(ids);
  });

  it.each([
    '',
    'q=a+%26+b',
    'status=QUEUED%2CFAILED',
    'model=gpt-4o&method=DPO&metadata=team%3Da%3Db',
    'sort=created',
    'sort=-job',
  ])('is the same after it was written to the URL: ?%s', (search) => {
    const written = Object.entries(writeView(view(search))).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    );
    expect(new URLSearchParams(written).toString()).toBe(search);
  });

  it('skips values in the URL that it does not know', () => {
    expect(view('status=nothing,QUEUED&method=x&sort=-x&other=1')).toEqual({ ...view(), statuses: ['QUEUED'] });
  });

  it('counts the jobs by status without the filter of the status', () => {
    expect(Object.fromEntries(countStatuses(JOBS, view('q=tone&status=FAILED')))).toEqual({ SUCCEEDED: 1, RUNNING: 1 });
  });

  it('needs all jobs with a filter or another order than newest first', () => {
    expect(
      ['', 'q=+', 'q=a', 'status=FAILED', 'sort=created', 'sort=job'].map((search) => needsAllJobs(view(search))),
    ).toEqual([false, false, true, true, true, true]);
  });

  it('keeps the order without filters', () => {
    expect(withoutFilters(view('q=a&status=FAILED&model=m&method=DPO&metadata=k&sort=job'))).toEqual(view('sort=job'));
  });
});
