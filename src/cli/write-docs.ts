import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { withMetricsTable } from './metrics-text.ts';
import { settingsMarkdown } from './settings-text.ts';

// The script behind `npm run docs`.
mkdirSync(new URL('../../docs/', import.meta.url), { recursive: true });
writeFileSync(new URL('../../docs/settings.md', import.meta.url), settingsMarkdown());
const operate = new URL('../../docs/operate.md', import.meta.url);
writeFileSync(operate, withMetricsTable(readFileSync(operate, 'utf8')));
process.stdout.write('docs/settings.md, docs/operate.md: written\n');
