import { computed, type ReadonlySignal } from '@preact/signals';
import { session } from '../data/session.ts';

/** Whether the way to the form is shown. Also when the daily quota is used up: the page says so. */
export const isStartOffered: ReadonlySignal<boolean> = computed(() => {
  const { viewer } = session.value ?? {};
  return viewer !== undefined && [null, 'DAILY_QUOTA'].includes(viewer.createFineTuningJobDenial);
});
