/** Tracks whether the upstream may have executed a call that changes something. */
export interface SendState {
  /** Whether the upstream may have executed the call and no response says that it has not. */
  readonly isOutcomeUnknown: boolean;
  /** Whether any byte of the current attempt was written to the socket. */
  readonly isSent: boolean;
  /** Records the start of an attempt. */
  startAttempt(): void;
  /** Records that the upstream may have received the request. */
  markSent(): void;
  /** Records the status of a response. */
  recordStatus(status: number): void;
}

export function createSendState(): SendState {
  let isSent = false;
  let isUnknown = false;
  let wasUnknown = false; // After the previous attempts.
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

// A 4xx response means that nothing was executed. Except 408: it can come from a proxy while the server still executes.
const isRefusal = (status: number) => status >= 400 && status < 500 && status !== 408;
