import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Exchange } from '../resilience/attempt.ts';
import type { Deadline } from '../resilience/deadline.ts';
import { createOnSendInterceptor } from '../resilience/on-send-interceptor.ts';
import { BodyText } from './body-text.ts';
import type { ByteSemaphore } from './byte-semaphore.ts';

export type StreamResponse = Dispatcher.ResponseData;

/** Creates an exchange for requests with a stream in either direction. It ends when `use` does, or the deadline. */
export function createStreamExchange<T>(
  use: (response: StreamResponse, deadline: Deadline) => Promise<T>,
): Exchange<T> {
  return (attempt) => {
    const { request, deadline } = attempt.work;
    const { method, target: path, body } = request;
    async function perform() {
      try {
        const { pool, headers } = attempt;
        const dispatcher = method === 'GET' ? pool : pool.compose(createOnSendInterceptor(() => attempt.markSent()));
        const response = await dispatcher.request({
          method,
          path,
          headers,
          body: typeof body === 'function' ? body(deadline) : (body ?? null),
          signal: deadline.signal,
        });
        attempt.recordStatus(response.statusCode, response.headers);
        return await use(response, deadline);
      } finally {
        attempt.close();
      }
    }
    return new Promise((resolve, reject) => {
      deadline.work = { abort: reject }; // undici observes the signal only once it is connected.
      perform().then(resolve, reject);
    });
  };
}

/** Reads a stream whole, with the limits of `BodyText`. Rejects when a limit is exceeded or the body is cut off. */
export function readText(body: Readable, contentLength: unknown, semaphore: ByteSemaphore): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown) => {
      reject(error);
      body.destroy();
    };
    body.on('error', reject);
    try {
      const text = new BodyText(contentLength, body, semaphore);
      body.on('close', () => text.close());
      body.on('end', () => resolve(text.take()));
      body.on('data', (chunk: Buffer) => {
        try {
          text.add(chunk);
        } catch (error) {
          refuse(error);
        }
      });
    } catch (error) {
      refuse(error);
    }
  });
}
