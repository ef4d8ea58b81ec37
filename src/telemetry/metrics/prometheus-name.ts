import { CATALOGUE, type MetricName } from './catalogue.ts';

/** The name of a metric in Prometheus' format, without the suffixes of a histogram. */
export function prometheusNameOf(name: MetricName): string {
  const plain = name.replaceAll('.', '_');
  return CATALOGUE[name].kind === 'counter' ? `${plain}_total` : plain;
}
