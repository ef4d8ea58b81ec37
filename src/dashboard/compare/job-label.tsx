import { jobHref } from '../app/router.ts';
import type { ComparedJobFragment } from '../operations/generated.ts';
import { colorOf } from './overlay.ts';

/** The name of a job with the color of its curve. Jobs can have the same suffix: the number tells them apart. */
export function JobLabel({ job, index }: { job: ComparedJobFragment; index: number }) {
  return (
    <span class="compare-label">
      <span class={`swatch swatch${colorOf(index)}`} />
      <a href={jobHref(job.id)} title={job.id}>
        {index + 1}. {job.suffix || job.id}
      </a>
    </span>
  );
}
