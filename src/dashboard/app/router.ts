import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { after, currentMs } from '../data/clock.ts';

/** The page that the hash of the URL selects, such as `#/jobs/ftjob-abc123?smooth=0.6`. */
export type Route =
  | { readonly page: 'board' }
  | { readonly page: 'job'; readonly jobId: string }
  | { readonly page: 'compare'; readonly jobIds: readonly string[] }
  | { readonly page: 'start' }
  | { readonly page: 'unknown'; readonly path: string };

/** Browsers reject more than about a hundred changes of the URL in ten seconds: a drag makes more. Mean time between two. */
const WRITE_INTERVAL_MS = 150;
/** Time without changes that a burst of them can use up. */
const BURST_MS = 3000;

/** When the mean rate allows the next change. */
let nextWriteAt = 0;
/** Cancels the change of the URL that is due; null without one. */
let cancelWrite: (() => void) | null = null;

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  cancelWrite?.();
  cancelWrite = null;
  hash.value = location.hash;
});

const parts = computed(() => {
  const [path = '', search = ''] = hash.value.replace(/^#/, '').split(/\?(.*)/s);
  return { path: path === '' ? '/' : path, search };
});

const path = computed(() => parts.value.path);
const search = computed(() => parts.value.search);

/** The parameters after `?` in the hash. */
export const searchParams: ReadonlySignal<URLSearchParams> = computed(() => new URLSearchParams(search.value));

const comparedIds = computed(() => searchParams.value.get('ids') ?? '');

export const route: ReadonlySignal<Route> = computed(() => {
  const [, section = '', id] = path.value.split('/');
  switch (section) {
    case '':
      return { page: 'board' };
    case 'jobs':
      return id ? { page: 'job', jobId: decode(id) } : { page: 'board' };
    case 'compare':
      return { page: 'compare', jobIds: comparedIds.value.split(',').filter(Boolean) };
    case 'start':
      return { page: 'start' };
    default:
      return { page: 'unknown', path: path.value };
  }
});

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const boardHref = '#/';
export const startHref = '#/start';
export const jobHref = (jobId: string): string => `#/jobs/${encodeURIComponent(jobId)}`;
export const compareHref = (jobIds: readonly string[]): string =>
  `#/compare?ids=${jobIds.map(encodeURIComponent).join(',')}`;

/** Goes to a page, such as `jobHref(id)`. */
export function navigate(href: string): void {
  location.hash = href;
}

/** Changes parameters of the present page at once; null removes one. The URL follows, without an entry in the history. */
export function setSearchParams(changes: Readonly<Record<string, string | null>>): void {
  const params = new URLSearchParams(search.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  hash.value = `#${path.value}${text === '' ? '' : `?${text}`}`;
  writeUrl();
}

function writeUrl(): void {
  const waitMs = nextWriteAt - BURST_MS - currentMs();
  if (waitMs <= 0) {
    replaceUrl();
    return;
  }
  const shown = location.hash;
  cancelWrite ??= after(waitMs, () => {
    cancelWrite = null;
    if (location.hash === shown) replaceUrl(); // Otherwise the user has gone to another page.
  });
}

function replaceUrl(): void {
  cancelWrite?.();
  cancelWrite = null;
  nextWriteAt = Math.max(nextWriteAt, currentMs()) + WRITE_INTERVAL_MS;
  history.replaceState(null, '', hash.value);
}
