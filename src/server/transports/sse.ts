import type { StreamFormat } from './stream-format.ts';

/**
 * Server-sent events, in the distinct connections mode of graphql-sse
 * (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md). JSON has no line breaks. `complete` has empty data,
 * because browsers dispatch no event without data.
 */
export const sse: StreamFormat = {
  transport: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  opening: ':\n\n',
  heartbeat: ':\n\n',
  end: 'event: complete\ndata:\n\n',
  next: (json) => `event: next\ndata: ${json}\n\n`,
  fatal: (errors) => `event: next\ndata: {"errors":${errors}}\n\n`,
};
