import { CATALOGUE, type MetricDefinition, type MetricName } from '../telemetry/metrics/catalogue.ts';
import { prometheusNameOf } from '../telemetry/metrics/prometheus-name.ts';

const BEGIN = '<!-- Generated from the catalogue of metrics by `npm run docs`. -->';
const END = '<!-- End of the catalogue. -->';

/** Returns the page with its table of metrics replaced. Throws when it has no place for it. */
export function withMetricsTable(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/operate.md: has no ${BEGIN} … ${END}.`);
  return `${before}${BEGIN}\n\n${metricsTable()}\n${END}${after}`;
}

function metricsTable(): string {
  const entries = Object.entries<MetricDefinition>(CATALOGUE);
  const rows = entries.map(([name, { kind, unit, labels, help }]) => {
    const lines = Object.entries(labels).map(([label, values]) => `\`${plain(label)}\`: ${valuesText(values)}`);
    return `| \`${prometheusNameOf(name as MetricName)}\` | ${kind} | ${unit} | ${help} | ${lines.join('<br>')} |\n`; // Its own key.
  });
  return `| Metric | Kind | Unit | Meaning | Labels |\n|---|---|---|---|---|\n${rows.join('')}`;
}

const plain = (label: string) => label.replaceAll('.', '_');

const valuesText = (values: readonly string[] | string) =>
  typeof values === 'string' ? values : values.map((value) => `\`${value}\``).join(', ');
