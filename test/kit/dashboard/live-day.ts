import type { CDPSession, Page } from 'playwright-core';

/** Keeps the WebSocket and the subscription of a page, so that messages can be sent to it from within. An init script. */
const KEEP_SUBSCRIPTION = `
  const OwnWebSocket = WebSocket;
  globalThis.WebSocket = class extends OwnWebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        if (!data.includes('anyFineTuningJobProgressChanged')) return;
        globalThis.kept = { socket: this, id: JSON.parse(data).id };
        document.documentElement.dataset.kept = 'true';
      });
    }
  };
`;

/** Number of running jobs on the board: `ftjob-0001` and so on. */
export const RUNNING_JOBS = 10;
/** Steps of each running job in a day: each poll of the default interval of 2 s finds a new one. */
const STEPS_PER_DAY = 86_400 / 2;
/** Steps that are sent before the page has rendered those before. */
const BURST_STEPS = 1200;

/** Part of a day: each running job moves from the step `from` to `to`. */
interface Steps {
  readonly from: number;
  readonly to: number;
  readonly jobs: number;
  readonly total: number;
}

/** Sends changes of the progress to the page. Runs in it. */
function sendSteps({ from, to, jobs, total }: Steps): void {
  const { socket, id } = Object(globalThis)['kept'] as { socket: WebSocket; id: string };
  for (let step = from + 1; step <= to; step++) {
    for (let number = 1; number <= jobs; number++) {
      const progress = { step, totalSteps: total, fraction: step / total, estimatedFinishAt: null };
      const job = { id: `ftjob-${String(number).padStart(4, '0')}` };
      const payload = { data: { anyFineTuningJobProgressChanged: { job, progress } } };
      socket.onmessage?.(new MessageEvent('message', { data: JSON.stringify({ id, type: 'next', payload }) }));
    }
  }
}

/** Prepares a page for `sendDay`. Call it before the page opens the board. */
export async function keepSubscription(page: Page): Promise<void> {
  await page.addInitScript(KEEP_SUBSCRIPTION);
}

/**
 * Sends a day of changes of the progress to the board, which shows the jobs `ftjob-0001` and so on. Returns the sizes of its
 * JavaScript heap in bytes in the course of the day, each after a collection.
 */
export async function sendDay(page: Page): Promise<readonly number[]> {
  await page.locator('[data-kept]').waitFor();
  const session = await page.context().newCDPSession(page);
  const heaps: number[] = [];
  for (let from = 0; from < STEPS_PER_DAY; from += BURST_STEPS) {
    const to = from + BURST_STEPS;
    await page.evaluate(sendSteps, { from, to, jobs: RUNNING_JOBS, total: STEPS_PER_DAY });
    const title = `Step ${to} of ${STEPS_PER_DAY}`;
    await page.locator(`[data-job="ftjob-0001"] .row-progress[title="${title}"]`).waitFor();
    heaps.push(await heapBytes(session));
  }
  return heaps;
}

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = (await session.send('Runtime.getHeapUsage')) as { usedSize: number };
  return usedSize;
}
