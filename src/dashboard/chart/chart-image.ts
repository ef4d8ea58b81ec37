import { saveBlob } from '../data/download.ts';
import type { MetricKey, Panel } from './metric.ts';

/** The job of a chart. */
export interface ChartJob {
  readonly id: string;
  /** Its suffix; null without one. */
  readonly name: string | null;
}

const TITLE_HEIGHT = 30;
const PANEL_HEADER_HEIGHT = 24;

/** Saves the shown plots as one PNG, with the name and id of the job, their titles and legends. */
export function saveChart({ id, name }: ChartJob, panels: readonly Panel[], hidden: ReadonlySet<MetricKey>): void {
  const plots = panels.flatMap((panel) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`[data-plot="${panel.title}"] canvas`);
    return canvas === null ? [] : [{ panel, canvas }];
  });
  const scale = devicePixelRatio;
  const image = document.createElement('canvas');
  image.width = Math.max(...plots.map(({ canvas }) => canvas.width));
  image.height = plots.reduce(
    (sum, { canvas }) => sum + canvas.height + PANEL_HEADER_HEIGHT * scale,
    TITLE_HEIGHT * scale,
  );
  const context = image.getContext('2d');
  if (context === null) return;
  const { backgroundColor, color } = getComputedStyle(document.body);
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, image.width, image.height);
  const write = (text: string, x: number, y: number, fill: string, weight = 400) => {
    context.font = `${weight} ${13 * scale}px system-ui, sans-serif`;
    context.fillStyle = fill;
    context.fillText(text, x, y);
    return x + context.measureText(text).width + 16 * scale;
  };
  const titleEnd = write(name || id, 12 * scale, 20 * scale, color, 600);
  if (name) write(id, titleEnd, 20 * scale, color);
  let top = TITLE_HEIGHT * scale;
  for (const { panel, canvas } of plots) {
    let left = write(panel.title, 12 * scale, top + 16 * scale, color, 600);
    for (const metric of panel.metrics) {
      if (!hidden.has(metric.key)) left = write(metric.label, left, top + 16 * scale, curveColor(metric.color));
    }
    context.drawImage(canvas, 0, top + PANEL_HEADER_HEIGHT * scale);
    top += canvas.height + PANEL_HEADER_HEIGHT * scale;
  }
  image.toBlob((blob) => blob !== null && saveBlob(blob, `${id}-metrics.png`), 'image/png');
}

/** The swatch of the legend has the color: canvas does not know CSS variables. */
function curveColor(variable: string): string {
  const swatch = document.querySelector(`.swatch${variable}`);
  return swatch === null ? 'gray' : getComputedStyle(swatch).backgroundColor;
}
