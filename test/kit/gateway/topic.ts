/** A source of a subscription that a test drives. Each reader has a slot of its own with the newest item only. */
export interface Topic extends AsyncIterable<object> {
  emit(item: object): void;
  fail(error: unknown): void;
  end(): void;
  /** Number of open iterators. */
  readonly readers: number;
  /** Number of waits for an item so far, over all readers. */
  readonly waits: number;
}

type Slot = { item: object } | { error: unknown } | 'end';

export function createTopic(): Topic {
  const readers = new Set<(slot: Slot) => void>();
  const emit = (slot: Slot) => {
    for (const put of [...readers]) put(slot);
  };
  let waits = 0;

  function read(): AsyncIterator<object> {
    let slot: Slot | undefined;
    let wake: (() => void) | undefined;
    const put = (next: Slot) => {
      slot = next;
      if (next === 'end') readers.delete(put);
      wake?.();
    };
    readers.add(put);
    return {
      async next() {
        if (slot === undefined) {
          waits++;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (slot === undefined || slot === 'end') return { value: undefined, done: true };
        const taken = slot;
        slot = undefined;
        if ('item' in taken) return { value: taken.item, done: false };
        readers.delete(put);
        throw taken.error;
      },
      async return() {
        put('end');
        return { value: undefined, done: true };
      },
    };
  }

  return {
    [Symbol.asyncIterator]: read,
    emit: (item) => emit({ item }),
    fail: (error) => emit({ error }),
    end: () => emit('end'),
    get readers() {
      return readers.size;
    },
    get waits() {
      return waits;
    },
  };
}
