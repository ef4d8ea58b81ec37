import type { Attributes, Histogram } from '@opentelemetry/api';
import { CATALOGUE, type MetricName } from './catalogue.ts';

/** Maximum series of one metric. The values of labels are bounded; this holds when one is not. */
const MAX_SERIES = 2000;

/** The attributes of each combination of label values, which are created once. */
class LabelSets<T> {
  readonly #labels: readonly string[];
  readonly #create: (attributes: Attributes) => T;
  readonly #byKey = new Map<string, T>();

  constructor(name: MetricName, create: (attributes: Attributes) => T) {
    this.#labels = Object.keys(CATALOGUE[name].labels);
    this.#create = create;
  }

  get(...values: readonly (string | number)[]): T {
    const key = values.length === 1 ? String(values[0]) : values.join('\n');
    return this.#byKey.get(key) ?? this.#add(key, values);
  }

  values(): Iterable<T> {
    return this.#byKey.values();
  }

  #add(key: string, values: readonly (string | number)[]): T {
    if (this.#byKey.size >= MAX_SERIES) return this.get(...this.#labels.map(() => 'other'));
    const pairs = this.#labels.map((label, index) => [label, values[index] ?? ''] as const);
    const attributes = Object.fromEntries(pairs.filter(([, value]) => value !== ''));
    const created = this.#create(attributes);
    this.#byKey.set(key, created);
    return created;
  }
}

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
  add(amount: number, ...values: readonly (string | number)[]): void {
    this.#counts.get(...values).value += amount;
  }

  /** All counts so far. */
  counts(): Iterable<Count> {
    return this.#counts.values();
  }
}

/** A histogram whose attributes are created once per series. */
export class Durations {
  readonly #histogram: Histogram;
  readonly #attributes: LabelSets<Attributes>;

  constructor(name: MetricName, histogram: Histogram) {
    this.#histogram = histogram;
    this.#attributes = new LabelSets(name, (attributes) => attributes);
  }

  record(seconds: number, ...values: readonly (string | number)[]): void {
    this.#histogram.record(seconds, this.#attributes.get(...values));
  }
}
