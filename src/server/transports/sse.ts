import type { StreamFormat } from './stream-format.ts';

/**
 * Server-sent events, as graphql-sse has them in its mode of distinct connections
 * (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md). JSON has no line breaks. The last event has data, if
 * empty: browsers pass on none without.
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
