/** How far a call that changes something has come: whether it can have been made, as far as that is known here. */
export interface SendState {
  /** Whether nobody here knows if it was made. */
  readonly isOutcomeUnknown: boolean;
  /** Whether anything of the present try has gone over the wire. */
  readonly isSent: boolean;
  /** Another try begins. */
  startAttempt(): void;
  /** From here on the upstream may have it. */
  markSent(): void;
  /** The status of an answer has come. */
  recordStatus(status: number): void;
}

export function createSendState(): SendState {
  let isSent = false;
  let isUnknown = false;
  let wasUnknown = false; // By the tries before.
  return {
    get isOutcomeUnknown() {
      return isUnknown;
    },
    get isSent() {
      return isSent;
    },
    startAttempt() {
      isSent = false;
      wasUnknown = isUnknown;
    },
    markSent() {
      isSent = true;
      isUnknown = true;
    },
    recordStatus(status) {
      if (isRefusal(status)) isUnknown = wasUnknown;
    },
  };
}

// Who answers so has not done it. 408 is not among these: between us and who did it may be one who lost patience.
const isRefusal = (status: number) => status >= 400 && status < 500 && status !== 408;
