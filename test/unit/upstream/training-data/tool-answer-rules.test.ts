import { describe, expect, it } from 'vitest';
import { findAnswerIssue } from '../../../../src/sandbox/training-file/message-validation.ts';
import { findAnswerIssues, pathed } from '../../../../src/upstream/training-data/tool-answer-rules.ts';

/** Quadratic work on so many calls takes minutes, linear work a fraction of a second. */
const MANY = 150_000;
const user = { role: 'user', content: 'Hi' };
const idsOf = (prefix: string) => Array.from({ length: MANY }, (_, index) => `${prefix}${index}`);
const callsOf = (ids: readonly string[]) => ({ role: 'assistant', tool_calls: ids.map((id) => ({ id })) });
const answersOf = (ids: readonly string[]) => ids.map((id) => ({ role: 'tool', tool_call_id: id, content: '1' }));
const same = Array<string>(MANY).fill('call');

describe('the answers to 150,000 calls of one message', () => {
  it.each([
    ['in order', idsOf('call'), idsOf('call')],
    ['in reverse order', idsOf('call'), idsOf('call').reverse()],
    ['of the same id', same, same],
  ])('are valid %s, in linear work', (_, ids, answered) => {
    const messages = [user, callsOf(ids), ...answersOf(answered)];
    expect(findAnswerIssues(pathed(messages, 'messages'))).toEqual([]);
    expect(findAnswerIssue(messages)).toBeNull();
  });

  it('have an issue for each that is missing, in linear work', () => {
    const messages = [user, callsOf(idsOf('call')), user];
    const issues = findAnswerIssues(pathed(messages, 'messages'));
    expect(issues).toHaveLength(MANY);
    expect(issues.at(-1)?.message).toMatch(/^messages\[1\]\.tool_calls\[149999\]: is not answered/);
    expect(findAnswerIssue(messages)).toMatch('no message of the role tool answers');
  });

  it('have an issue for each that answers no call or an answered one, in linear work', () => {
    const messages = [user, callsOf(['call']), ...answersOf(same)];
    const issues = findAnswerIssues(pathed(messages, 'messages'));
    expect(issues).toHaveLength(MANY - 1);
    expect(issues[0]?.message).toMatch(/^messages\[3\]\.tool_call_id: answers a call that is already answered/);
    const foreign = findAnswerIssues(pathed([user, callsOf(idsOf('call')), ...answersOf(idsOf('other'))], 'messages'));
    expect(foreign).toHaveLength(2 * MANY);
  });
});
