import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateTrainingData } from '../../../../src/upstream/training-data/file-validator.ts';
import { validateStream } from '../../../../src/upstream/training-data/validating-stream.ts';

const LINE = '{"prompt":"a 😀","completion":"b"}';

async function* chunksOf(content: Uint8Array, size: number) {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** Reads `content` to its end or first error, as an upload does, and then the report. */
async function reportOf(content: Uint8Array, size: number, maxBytesAfterError: number) {
  const validated = validateStream(chunksOf(content, size), null, maxBytesAfterError);
  await Array.fromAsync(validated.content).catch(() => {});
  return validated.report();
}

describe('validateStream', () => {
  it('reports exactly the wrong lines that were read, wherever reading ends: property', async () => {
    const line = fc.constantFrom(LINE, LINE, '{}', '', ' ', 'x', '{"prompt":1,"completion":"b"}');
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.integer({ min: 1, max: 100 }),
        fc.nat(400),
        async (lines, size, max) => {
          const content = Buffer.from(lines.join('\n'));
          const whole = await validateTrainingData(chunksOf(content, size));
          const { isComplete, ...report } = await reportOf(content, size, max);
          if (isComplete) {
            expect(report).toEqual(whole);
          } else {
            const ofLines = whole.issues.filter((issue) => issue.line !== null);
            expect(report.issues).toEqual(ofLines.slice(0, report.issueCount));
            expect(report.errorCount).toBeGreaterThan(0);
            expect(report.exampleCount).toBeLessThanOrEqual(whole.exampleCount);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not judge half a line, and does not count examples that were not read', async () => {
    const content = Buffer.from(`x\n${LINE}\n${LINE}\n`);
    expect(await reportOf(content, 10, 50)).toMatchObject({
      exampleCount: 2,
      issues: [{ line: 1, message: 'is not JSON; expected one JSON object per line' }],
      issueCount: 1,
      errorCount: 1,
      isComplete: false,
    });
  });
});
