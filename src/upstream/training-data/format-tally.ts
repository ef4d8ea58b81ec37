import type { Members } from '../json/members.ts';
import { type ExampleIssue, error } from './example-issue.ts';
import { findExampleIssues, readFormat, type TrainingFormat } from './example-rules.ts';

// The format of a file is that of most examples, which is known at its end. So its issues are counted for each format.

export interface TrainingIssue extends ExampleIssue {
  /** The line, from 1; null when the issue is about the whole file. */
  readonly line: number | null;
}

/** The issues of a file, if it has a certain format. */
export interface Tally {
  /** The first hundred issues. */
  readonly issues: TrainingIssue[];
  issueCount: number;
  errorCount: number;
  /** Whether an example has another format. */
  isMixed: boolean;
}

export interface FormatTallies {
  /** Errors so far, whichever format the file turns out to have. */
  readonly certainErrorCount: number;
  /** Adds an issue that does not depend on the format of the file. */
  add(line: number | null, issue: ExampleIssue): void;
  /** Adds the issues of an example. Returns false when the line is not an example. */
  addExample(line: number, example: Members): boolean;
  /** Returns the format of most examples so far, of the first one when numbers are equal; null without an example. */
  majority(): TrainingFormat | null;
  /** Returns the format that the file has to have: that of most examples, or another one when it is not allowed. */
  expected(): TrainingFormat;
  /** Returns the issues of the file in the format `expected()`. */
  tally(): Tally;
}

const MAX_ISSUES = 100;
const FORMATS: readonly TrainingFormat[] = ['chat', 'completion', 'preference', 'reinforcement'];

/** `allowed` are the formats of a training method, the most usual one first. Null allows the format of most examples. */
export function createFormatTallies(allowed: readonly TrainingFormat[] | null): FormatTallies {
  const tallies = new Map((allowed ?? FORMATS).map((format) => [format, createTally()]));
  const otherFormat = allowed === null ? UNLIKE_MOST : UNLIKE_METHOD;
  const members = new Map<TrainingFormat, number>(); // Chat counts for reinforcement too: both have `messages`.
  const votes = new Map<TrainingFormat, number>();

  function majority() {
    const shape = mostOf(members);
    if (shape !== 'chat') return shape;
    return mostOf(new Map([...votes].filter(([format]) => format === 'chat' || format === 'reinforcement'))) ?? shape;
  }

  function expected() {
    const format = majority();
    const [first = 'chat'] = tallies.keys();
    return format !== null && tallies.has(format) ? format : first;
  }

  return {
    get certainErrorCount() {
      return Math.min(...[...tallies.values()].map(({ errorCount }) => errorCount));
    },
    add(line, issue) {
      for (const tally of tallies.values()) addIssue(tally, line, issue);
    },
    addExample(line, example) {
      const { formats, vote } = readFormat(example);
      const [own] = formats;
      if (own === undefined) return false;
      increment(members, own === 'reinforcement' ? 'chat' : own);
      if (vote !== null) increment(votes, vote);
      const issues = formats.map((format) => findExampleIssues(example, format));
      for (const [format, tally] of tallies) {
        const index = formats.indexOf(format);
        if (index < 0) {
          tally.isMixed = true;
          addIssue(tally, line, otherFormat[own][format]);
        }
        for (const issue of issues[Math.max(0, index)] ?? []) addIssue(tally, line, issue);
      }
      return true;
    },
    majority,
    expected,
    tally: () => tallies.get(expected()) ?? createTally(),
  };
}

const createTally = (): Tally => ({ issues: [], issueCount: 0, errorCount: 0, isMixed: false });

function addIssue(tally: Tally, line: number | null, { severity, message }: ExampleIssue): void {
  tally.issueCount++;
  if (severity === 'error') tally.errorCount++;
  if (tally.issues.length < MAX_ISSUES) tally.issues.push({ line, severity, message });
}

const increment = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);

/** Returns the key with the greatest count, the first of equals; null without a key. */
function mostOf<K>(counts: ReadonlyMap<K, number>): K | null {
  const greatest = Math.max(...counts.values());
  const [key = null] = [...counts].find(([, count]) => count === greatest) ?? [];
  return key;
}

/** The difference between two formats that share the member messages. */
const EVIDENCE: Readonly<Record<TrainingFormat, string>> = {
  chat: '',
  completion: '',
  preference: '',
  reinforcement: ' (a last message of the role user, and other members)',
};

const byFormat = <T>(read: (format: TrainingFormat) => T) =>
  Object.fromEntries(FORMATS.map((format) => [format, read(format)])) as Record<TrainingFormat, T>; // Has each format.

/** By the format of an example and the expected one. Made once: each line has one for each other format. */
const otherFormats = (reason: string) =>
  byFormat((format) =>
    byFormat((expected) =>
      error(`has the format ${format}${EVIDENCE[format]}; expected ${expected}${EVIDENCE[expected]}, ${reason}`),
    ),
  );

const UNLIKE_MOST = otherFormats('the format of the other examples');
const UNLIKE_METHOD = otherFormats('the format of the method');
