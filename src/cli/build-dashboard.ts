import { loadBuild } from '../server/dashboard/build.ts';

// The script of `npm run dashboard`: bundles the dashboard before its first request.
const { assets, initial } = await loadBuild();
const bytes = initial.reduce((sum, name) => sum + (assets.get(name)?.gzip.length ?? 0), 0);
process.stdout.write(`dashboard: ${assets.size} files, ${(bytes / 1000).toFixed(1)} kB of initial JavaScript (gzip)\n`);
