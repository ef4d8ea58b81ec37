import { createRandom } from './random.ts';

/** The organization and project of all keys and jobs of the sandbox. */
export interface Account {
  /** `org-…`, in jobs. */
  readonly organizationId: string;
  /** The short name, in the names of fine-tuned models and in the header `openai-organization`. */
  readonly organization: string;
  /** `proj_…`, in the header `openai-project`. */
  readonly projectId: string;
}

export function createAccount(seed: number): Account {
  const random = createRandom(seed, 'account');
  return {
    organizationId: `org-${random.text(24)}`,
    organization: 'sandbox',
    projectId: `proj_${random.text(24)}`,
  };
}
