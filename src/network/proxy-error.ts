import type { ProxyServer } from './proxy.ts';

/** Thrown when a proxy does not connect. `message` names the proxy without its password. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** Status of the proxy's own response, if it sent one. */
  readonly status: number | undefined;
  /** Whether another attempt may succeed soon. */
  readonly isRetryable: boolean;

  constructor(message: string, isRetryable: boolean, status?: number) {
    super(message);
    this.isRetryable = isRetryable;
    this.status = status;
  }
}

export function unreachable({ name, setting }: ProxyServer, error: unknown): ProxyError {
  const { code, message } = Object(error);
  return new ProxyError(`proxy ${name}: cannot be reached (${code ?? message}); check ${setting}`, true);
}

export function hanging({ name, setting }: ProxyServer, target: string, timeoutMs: number): ProxyError {
  return new ProxyError(`proxy ${name}: no tunnel to ${target} within ${timeoutMs} ms; check ${setting}`, false);
}

/** The error of a response to CONNECT that is not a success, or of a 407 to any request. */
export function refused({ name, setting }: ProxyServer, target: string, status: number): ProxyError {
  const advice =
    status === 407
      ? `check the user and password in ${setting}`
      : `check its rules, or whether NO_PROXY should name the host`;
  const isRetryable = status >= 500 || status === 429;
  return new ProxyError(`proxy ${name}: refuses ${target} with status ${status}; ${advice}`, isRetryable, status);
}
