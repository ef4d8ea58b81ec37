import type { Attributes } from '@opentelemetry/api';
import { CATALOGUE, type HistogramName, type MetricName, type ObservedName } from './catalogue.ts';

/** Maximum series of one metric. The values of labels are bounded; this holds when one is not. */
const MAX_SERIES = 2000;

type LabelValue = string | number;

/** The series of the label values on the way to it, and those of longer lists. */
interface Branch<T> {
  series: T | undefined;
  readonly branches: Map<LabelValue, Branch<T>>;
}

/** The series of each list of label values, which are created once. A tree is read without the creation of a key. */
class LabelSets<T> {
  readonly #labels: readonly string[];
  readonly #create: (attributes: Attributes) => T;
  readonly #root: Branch<T> = newBranch();
  readonly #series: T[] = [];

  constructor(name: MetricName, create: (attributes: Attributes) => T) {
    this.#labels = Object.keys(CATALOGUE[name].labels);
    this.#create = create;
  }

  get(...values: readonly LabelValue[]): T {
    let branch: Branch<T> | undefined = this.#root;
    for (const value of values) {
      branch = branch.branches.get(value);
      if (branch === undefined) break;
    }
    return branch?.series ?? this.#add(values);
  }

  values(): Iterable<T> {
    return this.#series;
  }

  #add(values: readonly LabelValue[]): T {
    if (this.#series.length >= MAX_SERIES && values.some((value) => value !== 'other')) {
      return this.get(...this.#labels.map(() => 'other')); // Created beyond the maximum.
    }
    const pairs = this.#labels.map((label, index) => [label, values[index] ?? ''] as const);
    const attributes = Object.fromEntries(pairs.filter(([, value]) => value !== ''));
    const created = this.#create(attributes);
    this.#series.push(created);
    this.#grow(values).series = created;
    return created;
  }

  /** Returns the branch of these values, which it creates. */
  #grow(values: readonly LabelValue[]): Branch<T> {
    let branch = this.#root;
    for (const value of values) {
      const next = branch.branches.get(value) ?? newBranch<T>();
      branch.branches.set(value, next);
      branch = next;
    }
    return branch;
  }
}

const newBranch = <T>(): Branch<T> => ({ series: undefined, branches: new Map() });

/** One count, and its attributes. */
interface Count {
  value: number;
  readonly attributes: Attributes;
}

/** A metric that is counted in plain fields and read when it is collected: an addition costs a look-up. */
export class Tally {
  readonly name: MetricName;
  readonly #counts: LabelSets<Count>;

  constructor(name: MetricName) {
    this.name = name;
    this.#counts = new LabelSets(name, (attributes) => ({ value: 0, attributes }));
  }

  /** Adds to the series with these values, in the order of the catalogue. A label with an empty value is missing. */
  add(amount: number, ...values: readonly LabelValue[]): void {
    this.#counts.get(...values).value += amount;
  }

  /** All counts so far. */
  counts(): Iterable<Count> {
    return this.#counts.values();
  }
}

/** One distribution, and its attributes. */
export interface Distribution {
  /** Values per bucket; the last one is above all bounds. */
  readonly counts: number[];
  sum: number;
  count: number;
  readonly attributes: Attributes;
}

/**
 * A histogram in plain fields. That of the SDK sorts and serializes the attributes of each value, which takes several times
 * as long. Measured: `npm run bench:telemetry`.
 */
export class Durations {
  readonly name: HistogramName;
  readonly bounds: readonly number[];
  readonly #distributions: LabelSets<Distribution>;

  constructor(name: HistogramName) {
    const { buckets } = CATALOGUE[name];
    this.name = name;
    this.bounds = buckets;
    this.#distributions = new LabelSets(name, (attributes) => ({
      counts: Array.from({ length: buckets.length + 1 }, () => 0),
      sum: 0,
      count: 0,
      attributes,
    }));
  }

  record(seconds: number, ...values: readonly LabelValue[]): void {
    const distribution = this.#distributions.get(...values);
    let bucket = 0;
    for (const bound of this.bounds) {
      if (seconds <= bound) break;
      bucket++;
    }
    distribution.counts[bucket] = (distribution.counts[bucket] ?? 0) + 1;
    distribution.sum += seconds;
    distribution.count++;
  }

  distributions(): Iterable<Distribution> {
    return this.#distributions.values();
  }
}

/** Creates the tally of a metric, once. */
export type CreateTally = (name: ObservedName) => Tally;
/** Creates the histogram of a metric, once. */
export type CreateDurations = (name: HistogramName) => Durations;
