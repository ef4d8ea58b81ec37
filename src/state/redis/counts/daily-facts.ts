/** The units that one replica has taken. Of two facts, the one with the higher sequence number is true. */
interface Fact {
  readonly sequence: number;
  readonly count: number;
}

/** A fact with its count and its replica, as MERGE takes it. */
export type NamedFact = readonly [entry: string, replicaId: string, sequence: number, count: number];

/** The units of one operation and caller today. */
export interface Count {
  readonly entry: string;
  /** By replica. */
  readonly facts: Map<string, Fact>;
  /** Whether Redis may not have this replica's fact. */
  isDirty: boolean;
  /** Steps that wait or run. */
  steps: number;
  last: Promise<unknown>;
}

/** The counts of a day in the memory of one replica: its own exactly, those of others as it has read them. */
export interface DailyFacts {
  /** Days since the epoch, UTC, by Redis; empty until it is known. */
  readonly day: string;
  nextSequence(): number;
  find(entry: string): Count;
  ownOf(count: Count): number;
  /** Sets this replica's units; by default with a new sequence number. */
  setOwn(count: Count, units: number, sequence?: number): void;
  totalOf(entry: string): number;
  /** Takes over the facts of other replicas, as names and values of a hash in Redis. */
  read(entry: string, hash: readonly string[]): void;
  /** Forgets all counts when the day is a new one. */
  setDay(day: string): void;
  /** Runs one step of a count after its earlier ones. */
  enqueue<T>(count: Count, step: () => Promise<T>): Promise<T>;
  /** All facts. */
  all(): Iterable<NamedFact>;
  /** This replica's facts that Redis may not have. */
  dirty(): Iterable<NamedFact>;
  /** Redis has these facts of this replica. */
  setWritten(written: readonly NamedFact[]): void;
  /** Forgets counts of 0 that are not in use. */
  sweep(): void;
}

const UNKNOWN: Fact = { sequence: 0, count: 0 };
const FACT = /^(\d+) (\d+)$/;

export function createDailyFacts(replicaId: string): DailyFacts {
  const counts = new Map<string, Count>();
  let day = '';
  let sequence = 0;

  const sumOf = ({ facts }: Count) => facts.values().reduce((sum, { count }) => sum + count, 0);
  const nextSequence = () => ++sequence;

  function find(entry: string): Count {
    let count = counts.get(entry);
    if (count === undefined) {
      count = { entry, facts: new Map(), isDirty: false, steps: 0, last: Promise.resolve() };
      counts.set(entry, count);
    }
    return count;
  }

  function sweep(): void {
    for (const [entry, count] of counts)
      if (count.steps === 0 && !count.isDirty && sumOf(count) === 0) counts.delete(entry);
  }

  return {
    get day() {
      return day;
    },
    nextSequence,
    find,
    ownOf: ({ facts }) => (facts.get(replicaId) ?? UNKNOWN).count,
    setOwn(count, units, number) {
      count.facts.set(replicaId, { sequence: number ?? nextSequence(), count: units });
      count.isDirty = number === undefined;
    },
    totalOf(entry) {
      const count = counts.get(entry);
      return count === undefined ? 0 : sumOf(count);
    },
    read(entry, hash) {
      const { facts } = find(entry);
      for (let index = 0; index < hash.length; index += 2) {
        const [id = '', value = ''] = hash.slice(index, index + 2);
        const [, number, units] = FACT.exec(value) ?? [];
        if (number === undefined || id === replicaId) continue; // The day, or what this replica knows better.
        const known = facts.get(id) ?? UNKNOWN;
        if (Number(number) > known.sequence) facts.set(id, { sequence: Number(number), count: Number(units) });
      }
    },
    setDay(next) {
      if (next === day) return;
      day = next;
      for (const count of counts.values()) {
        count.facts.clear();
        count.isDirty = false;
      }
      sweep();
    },
    enqueue(count, step) {
      count.steps++;
      const result = count.last.then(step).finally(() => count.steps--);
      count.last = result.catch(() => {});
      return result;
    },
    *all() {
      for (const { entry, facts } of counts.values())
        for (const [id, { sequence: number, count }] of facts) yield [entry, id, number, count];
    },
    *dirty() {
      for (const { entry, facts, isDirty } of counts.values()) {
        const own = facts.get(replicaId);
        if (isDirty && own !== undefined) yield [entry, replicaId, own.sequence, own.count];
      }
    },
    setWritten(written) {
      for (const [entry, id, number] of written) {
        const count = counts.get(entry);
        if (id === replicaId && count?.facts.get(id)?.sequence === number) count.isDirty = false;
      }
    },
    sweep,
  };
}
