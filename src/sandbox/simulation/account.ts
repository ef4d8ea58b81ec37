import { createRandom } from './random.ts';

/** Whose jobs these are: the one organisation and project that every key of the sandbox belongs to. */
export interface Account {
  /** `org-…`, as jobs have it. */
  readonly organizationId: string;
  /** The short name, as it stands in the names of fine-tuned models and in the header `openai-organization`. */
  readonly organization: string;
  /** `proj_…`, as in the header `openai-project`. */
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
