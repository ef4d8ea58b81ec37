import { resourceAt } from './stub-resources.ts';
import { serve, toBody } from './upstream.ts';

// The upstream of the benchmark. It prepares each response once, so that its own cost is not measured.

const bodies = new Map<string, Buffer | null>();

serve((target) => {
  const body = bodies.get(target) ?? toBody(resourceAt(target));
  bodies.set(target, body);
  return body;
});
