import { expect, it } from 'vitest';
import { readSharedPage, writeSharedPage } from '../../../../src/store/resources/shared-page.ts';
import { readEvent } from '../../../../src/upstream/resources/event.ts';
import { readList } from '../../../../src/upstream/resources/page.ts';
import { eventBody, stepBody } from '../../../kit/bodies/event.ts';

const readItems = readList(readEvent);

it('gives other replicas the same events, and the same errors of those that cannot be read', () => {
  const data = [
    stepBody(3, 10),
    eventBody('ftevent-late', { created_at: 1_760_000_000_123, level: 7, type: null, data: { nested: [{ a: null }] } }),
    { id: 'ftevent-broken', created_at: {} },
    { message: 'without an id and a time' },
    null,
  ];
  const { items } = readItems({ data, has_more: true }, { upstreamStatus: 200, upstreamRequestId: 'req-1' });
  const page = { items, hasMore: true };
  const copy = readSharedPage(writeSharedPage(page));
  const factsOf = ({ items: all, hasMore }: typeof page) => ({
    hasMore,
    items: all.map(({ error, ...item }) => ({ ...item, error: error && [error.message, error.detail, error.facts] })),
  });
  expect(factsOf(copy)).toEqual(factsOf(page));
  expect(copy.items.filter(({ error }) => error)).toHaveLength(3);
});

it('refuses what is no page', () => {
  for (const page of [null, 1, {}, { items: 1, hasMore: true }, { items: [{}], hasMore: false }]) {
    expect(() => readSharedPage(JSON.stringify(page))).toThrow();
  }
});
