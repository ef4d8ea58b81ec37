import { signal } from '@preact/signals';

/** The same key as in GraphiQL's dialog, so that a user enters the token once per tab. */
const STORAGE_KEY = 'finetune-gateway-token';

/** Why the user is asked; `change` when the user wants another token. */
export type TokenReason = 'missing' | 'invalid' | 'forbidden' | 'change';

/** A request for a token, which the token dialog shows. */
export interface TokenPrompt {
  readonly reason: TokenReason;
  /** The reason of the gateway, such as that a token has expired; empty without one. */
  readonly message: string;
  /** Ends the prompt with a token, or with null when the user enters none. */
  readonly answer: (token: string | null) => void;
}

/** The open prompt; null without one. */
export const tokenPrompt = signal<TokenPrompt | null>(null);

/** Whether the user has closed a prompt without a token: no other one opens by itself. */
export const isTokenDeclined = signal(false);

/** The token of this page, for a browser that stores nothing. */
let unstored: string | null = null;

export function readToken(): string | null {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? unstored;
  } catch {
    return unstored; // The user has blocked the data of this site.
  }
}

function writeToken(token: string): void {
  unstored = token;
  try {
    sessionStorage.setItem(STORAGE_KEY, token);
  } catch {
    // It holds until the page is left.
  }
}

/** Removes the token from this tab. */
export function forgetToken(): void {
  unstored = null;
  try {
    sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    // It was not stored.
  }
}

let pending: Promise<boolean> | undefined;

/**
 * Asks the user for a token after the gateway has rejected a request with the token `rejected`. Resolves to whether to
 * send the request again. All requests share one prompt.
 */
export async function replaceToken(rejected: string | null, reason: TokenReason, message: string): Promise<boolean> {
  if (readToken() !== rejected) return true; // Another request has stored a token meanwhile.
  if (isTokenDeclined.value) return false;
  pending ??= openPrompt(reason, message).finally(() => {
    pending = undefined;
  });
  return await pending;
}

/** Opens the prompt again after the user has declined it. Resolves to whether a token was entered. */
export async function askAgain(): Promise<boolean> {
  isTokenDeclined.value = false;
  return await replaceToken(readToken(), 'missing', '');
}

/** Lets the user enter another token in place of one that the gateway accepts. Resolves to whether one was entered. */
export async function changeToken(): Promise<boolean> {
  return await openPrompt('change', '');
}

function openPrompt(reason: TokenReason, message: string): Promise<boolean> {
  return new Promise((resolve) => {
    const answer = (token: string | null) => {
      if (token !== null) writeToken(token);
      isTokenDeclined.value = token === null && reason !== 'change';
      tokenPrompt.value = null;
      resolve(token !== null);
    };
    tokenPrompt.value = { reason, message, answer };
  });
}
