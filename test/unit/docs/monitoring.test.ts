import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withMetricsTable } from '../../../src/cli/metrics-text.ts';
import { CATALOGUE, type MetricName } from '../../../src/telemetry/metrics/catalogue.ts';
import { prometheusNameOf } from '../../../src/telemetry/metrics/prometheus-name.ts';
import { anchorsOf, type Page } from '../../kit/process/documents.ts';

const operate: Page = { path: 'docs/operate.md', text: readFileSync('docs/operate.md', 'utf8') };

const names = (Object.keys(CATALOGUE) as MetricName[]).flatMap((name) => {
  const written = prometheusNameOf(name);
  const suffixes = CATALOGUE[name].kind === 'histogram' ? ['_bucket', '_count', '_sum'] : [''];
  return suffixes.map((suffix) => `${written}${suffix}`);
});

/** The names of the metrics in a query. Throws when the query is not PromQL. */
function metricsIn(query: string): string[] {
  const text = query.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*');
  const found: string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      if (type.isError) throw new Error(`${text}: is not PromQL at ${from}`);
      if (type.name === 'VectorSelector') found.push(/^[a-zA-Z_:][\w:]*/.exec(text.slice(from, to))?.[0] ?? '');
    },
  });
  return found;
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { alert: string; expr: string; for: string; annotations: Record<string, string> }[];
  }[];
}

describe('deploy/grafana.json', () => {
  const { panels } = JSON.parse(readFileSync('deploy/grafana.json', 'utf8')) as Dashboard;
  const used = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr)));

  it('queries metrics of the catalogue only', () => {
    expect(used.length).toBeGreaterThan(panels.length);
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('shows every metric of the catalogue', () => {
    const shown = new Set(used.map((name) => name.replace(/_(bucket|count|sum)$/, '')));
    expect(Object.keys(CATALOGUE).filter((name) => !shown.has(prometheusNameOf(name as MetricName)))).toEqual([]);
  });
});

describe('deploy/alerts.yaml', () => {
  const rules = (parse(readFileSync('deploy/alerts.yaml', 'utf8')) as Rules).groups.flatMap((group) => group.rules);

  it('queries metrics of the catalogue, and `up`', () => {
    const used = rules.flatMap(({ expr }) => metricsIn(expr));
    expect(used.filter((name) => name !== 'up' && !names.includes(name))).toEqual([]);
  });

  it('has six alerts, each with a section of the runbook', () => {
    expect(rules).toHaveLength(6);
    const anchors = anchorsOf(operate);
    for (const { alert, annotations } of rules) {
      expect(annotations['runbook']).toBe(`docs/operate.md#${alert.toLowerCase()}`);
      expect(anchors).toContain(alert.toLowerCase());
      const section = operate.text.split(`### ${alert}\n`)[1]?.split('\n#')[0];
      expect(section).toMatch(/\n- Look at: .*\n- Do: /s);
    }
  });
});

it('the table of metrics in docs/operate.md is current: `npm run docs` writes it', () => {
  expect(operate.text).toBe(withMetricsTable(operate.text));
});
