import type { StreamFormat } from './stream-format.ts';

const BOUNDARY = '\r\n--graphql';
// The next boundary is sent with each part, because clients read a part up to its boundary.
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}${BOUNDARY}`;

/**
 * Apollo's protocol for subscriptions
 * (https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol).
 */
export const multipart: StreamFormat = {
  transport: 'multipart',
  contentType: 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"',
  opening: BOUNDARY,
  heartbeat: part('{}'),
  end: '--\r\n',
  next: (json) => part(`{"payload":${json}}`),
  fatal: (errors) => part(`{"payload":null,"errors":${errors}}`),
};
