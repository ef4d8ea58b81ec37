import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import lock from '../../../package-lock.json' with { type: 'json' };

it('SECURITY.md has the version of Node of each platform, as package.json and the lock file have it', () => {
  const section = readFileSync('SECURITY.md', 'utf8').split('## Supply chain')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| (`node-.*?) \| ([\d.]+) \|/gm)].flatMap(([, names = '', version = '']) =>
    [...names.matchAll(/`(.*?)`/g)].map(([, name = '']) => [name, version] as const),
  );
  expect(Object.fromEntries(rows)).toEqual(packageJson.optionalDependencies);
  expect(lock.packages[''].optionalDependencies).toEqual(packageJson.optionalDependencies);
});

it('the lock file names no registry, and has a hash of each package', () => {
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  expect(packages.filter(([, entry]) => 'resolved' in entry || !('integrity' in entry))).toEqual([]);
});
