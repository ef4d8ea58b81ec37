import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Vitest would load a second copy of these, and GraphQL refuses values of another copy. GraphiQL is only text, and large.
const server = { deps: { inline: [/^(?!.*render-graphiql).*graphql/, /@pothos/, /@envelop/, /@whatwg-node/] } };

/** Each takes 15 s or more: one that began near the end would prolong the run. */
const SLOW =
  /\/(cli\/bench|cli\/compile-cache|cli\/start|deploy\/nginx|watch\/random-fleet|limits\/attacks|watch\/model)\.test\.ts$/;

/** Compare durations with each other or with a timeout: they run alone, so that no other test delays them. */
const TIMED = [
  'auth/unverified-turns',
  'file/token-estimates',
  'fleet/invalidations',
  'fleet/limits/{callers,upstream-budget}',
  'fleet/redis/{black-hole,metrics}',
  'fleet/rolling-restart',
  'fleet/watch/{takeover,watching}',
  'fleet/webhooks',
  'limits/turns',
  'transports/ws-floods',
  'upstream/{hostile-bodies,retries}',
].map((name) => `test/e2e/${name}.test.ts`);

/** Runs the slow files first, on a clean checkout too, where Vitest does not know the durations. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: SlowFirst },
    testTimeout: 120_000, // Far beyond what any takes: a slow machine is no failure.
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          maxWorkers: 3, // Fills two cores: many tests wait for a process, a socket or a timeout.
          include: ['test/{unit,e2e,conformance}/**/*.test.ts'],
          exclude: TIMED,
          isolate: false, // Loading the gateway for each file takes a third of the time.
          server,
        },
      },
      {
        extends: true,
        test: {
          name: 'timed',
          maxWorkers: 1,
          sequence: { groupOrder: 1 }, // After the others.
          include: TIMED,
          isolate: false,
          server,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          maxWorkers: 2,
          sequence: { groupOrder: 2 }, // Vitest demands it of projects with different numbers of workers.
          include: ['test/browser/**/*.test.ts'],
          server,
          hookTimeout: 120_000,
          testTimeout: 300_000,
          expect: { poll: { timeout: 60_000 } }, // Shorter than the test's, so that the error names the value.
        },
      },
    ],
  },
});
