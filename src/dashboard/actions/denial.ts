import type { ViewerDenialReason } from '../operations/generated.ts';

/** Whether a control is left out: the caller can never use it here. Other denials pass, so it is disabled. */
export const isHidden = (denial: ViewerDenialReason | null): boolean =>
  denial === 'ROLE' || denial === 'MUTATIONS_OFF' || denial === 'BASE_MODEL';

/** Why a control is missing or disabled, as a sentence. */
export const DENIALS: Readonly<Record<ViewerDenialReason, string>> = {
  BASE_MODEL: 'Only fine-tuned models can be deleted.',
  DAILY_QUOTA: 'Your daily quota of jobs in this gateway is used up, or it is 0. It starts again at midnight UTC.',
  MUTATIONS_OFF: 'This gateway allows no changes. Its operator can allow them with ALLOW_MUTATIONS=on.',
  ROLE: 'Your role does not allow it. Ask the operator of this gateway for the role operator.',
  STATUS: 'The status of the job does not allow it.',
};
