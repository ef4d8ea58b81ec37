import { mkdirSync, writeFileSync } from 'node:fs';
import { settingsMarkdown } from './settings-text.ts';

// The script behind `npm run docs`.
mkdirSync(new URL('../../docs/', import.meta.url), { recursive: true });
writeFileSync(new URL('../../docs/settings.md', import.meta.url), settingsMarkdown());
process.stdout.write('docs/settings.md: written\n');
