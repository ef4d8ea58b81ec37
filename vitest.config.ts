import { defineConfig } from 'vitest/config';

// Vitest would load a second copy of these, and GraphQL refuses values of another copy. GraphiQL is only text, and large.
const server = { deps: { inline: [/^(?!.*render-graphiql).*graphql/, /@pothos/, /@envelop/, /@whatwg-node/] } };

export default defineConfig({
  test: {
    maxWorkers: 2, // Half of the tests wait for a process or a socket.
    testTimeout: 30_000, // Far beyond what any takes: a slow machine is no failure.
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/{unit,e2e,conformance}/**/*.test.ts'],
          isolate: false, // Loading the gateway for each file takes a third of the time.
          server,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          server,
          hookTimeout: 60_000,
          testTimeout: 90_000,
        },
      },
    ],
  },
});
