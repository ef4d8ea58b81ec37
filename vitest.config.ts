import { defineConfig } from 'vitest/config';

// Vitest would load a second copy of these, and GraphQL refuses values of another copy.
const server = { deps: { inline: [/graphql/, /@pothos/, /@envelop/, /@whatwg-node/] } };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', include: ['test/{unit,e2e,conformance}/**/*.test.ts'], server } },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], server, testTimeout: 60_000 } },
    ],
  },
});
