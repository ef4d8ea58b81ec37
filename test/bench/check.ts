import { isDeepStrictEqual } from 'node:util';
import { askGraph } from './ask.ts';
import type { Draft } from './draft.ts';

/** The text of the answer to each question. */
export type Answers = readonly (readonly [question: string, answer: string])[];

/** Asks every question once. Rejects when an answer is not right. */
export async function checkedAnswers(
  row: { name: string; url: string },
  { queries }: Pick<Draft, 'queries'>,
): Promise<Answers> {
  const answers: [string, string][] = [];
  for (const { question, data } of queries) {
    const answer = await askGraph(row.url, question);
    if (!isRight(answer, data)) {
      throw new Error(`${row.name} answers wrongly.
  asked:    ${question}
  answered: ${answer.slice(0, 1_000)}
  expected: ${JSON.stringify({ data }).slice(0, 1_000)}`);
    }
    answers.push([question, answer]);
  }
  return answers;
}

function isRight(answer: string, data: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(answer), { data });
  } catch {
    return false; // Not JSON.
  }
}
