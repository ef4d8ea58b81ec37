import parse from 'parse-prometheus-text-format';

/** One value of a metric, as on one line. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics of a gateway at one moment. */
export interface Scrape {
  readonly text: string;
  readonly samples: readonly Sample[];
  /** The sum of the samples of this name with these labels. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** The form of a metric in the parser's result. */
interface Family {
  readonly name: string;
  readonly metrics: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: string }[];
}

/** Reads `/metrics`. */
export async function scrape(url: string | undefined): Promise<Scrape> {
  if (url === undefined) throw new Error('METRICS_PORT is not set.');
  const text = await (await fetch(url)).text();
  // Without the types: the parser merges the series of a histogram that has labels.
  const families = parse(text.replace(/^# TYPE .*$/gm, '')) as Family[];
  const samples = families.flatMap(({ name, metrics }) =>
    metrics.map(({ labels = {}, value }): Sample => ({ name, labels, value: Number(value) })),
  );
  return {
    text,
    samples,
    value(name, labels = {}) {
      const matching = samples.filter(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      return matching.reduce((sum, sample) => sum + sample.value, 0);
    },
  };
}
