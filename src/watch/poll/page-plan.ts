/** Of so many jobs whose place in the list is not known, a page is expected to show more than one. */
const SINGLE_READS_WORTH_A_PAGE = 10;

/** How looking at several jobs stands: by pages of the list, newest first, and in the end one by one. */
export interface PollProgress {
  /** Pages that were read, from the head of the list on. */
  readonly pagesRead: number;
  /** How many of the jobs the last page has shown, whose place was not known. */
  readonly found: number;
  /** The page on which each job not seen yet stood when it was seen last; undefined when that is not known. */
  readonly positions: readonly (number | undefined)[];
}

/** Whether reading one page more costs fewer calls than asking for each job that it may show. Pages count from 1. */
export function isPageWorthReading({ pagesRead, found, positions }: PollProgress): boolean {
  // New jobs push the others back: one that should have been seen is on the next page.
  const next = pagesRead + 1;
  const known = positions.flatMap((page) => (page === undefined ? [] : [Math.max(page, next)])).sort((a, b) => a - b);
  if (known.some((page, index) => index + 1 > page - pagesRead)) return true;
  const unknown = positions.length - known.length;
  return pagesRead < Math.floor(unknown / SINGLE_READS_WORTH_A_PAGE) || (found > 1 && unknown > 1);
}
