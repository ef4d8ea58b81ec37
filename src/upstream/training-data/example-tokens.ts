import { isObject, type Members, membersOf } from '../json/members.ts';
import type { TokenCounter } from '../tokens/token-counter.ts';
import { createTokenEstimator, type TokenEstimator } from '../tokens/token-estimator.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';

// The tokens of examples, as OpenAI's cookbook counts them (docs/upstream.md: Tokens of a training file).

/** An estimate of the tokens that one epoch trains on. */
export interface TokenEstimate {
  readonly tokens: number;
  readonly tokenizer: Tokenizer;
  readonly isSampled: boolean;
  /** Bound of the sampling error, relative to the tokens; 0 when all texts were counted. */
  readonly error: number;
  /** Images, whose tokens are not in the estimate. */
  readonly imageCount: number;
}

/** How to count the tokens of a file. */
export interface TokenCounting {
  readonly counter: TokenCounter;
  /** `byFormat`: that of the models that train on the format of the first example. */
  readonly tokenizer: Tokenizer | 'byFormat';
}

export interface ExampleTokens extends Pick<TokenEstimator, 'ready'> {
  add(example: Members): void;
  /** Ends the file; null without an example. Rejects when the tokens could not be counted. */
  estimate(): Promise<TokenEstimate | null>;
}

const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_ROLE = 1; // Every role is one token, in both tokenizers.
const TOKENS_PER_NAME = 1;
/** Of the beginning of the reply. */
const TOKENS_PER_CONVERSATION = 3;

export function createExampleTokens({ counter, tokenizer: wanted }: TokenCounting): ExampleTokens {
  let opened: { readonly tokenizer: Tokenizer; readonly texts: TokenEstimator } | null = null;
  let markup = 0;
  let imageCount = 0;

  function open(example: Members) {
    const tokenizer = wanted === 'byFormat' ? tokenizerOfFormat(example) : wanted;
    return { tokenizer, texts: createTokenEstimator(counter, tokenizer) };
  }

  function addConversation(texts: TokenEstimator, { messages, tools, functions }: Members) {
    markup += TOKENS_PER_CONVERSATION;
    addMessages(texts, messages);
    for (const list of [tools, functions]) if (Array.isArray(list)) texts.addText(JSON.stringify(list));
  }

  function addMessages(texts: TokenEstimator, messages: unknown) {
    if (!Array.isArray(messages)) return;
    for (const message of messages) if (isObject(message)) addMessage(texts, message);
  }

  function addMessage(texts: TokenEstimator, message: Members) {
    const { content, name, tool_calls: calls, function_call: called } = message;
    markup += TOKENS_PER_MESSAGE + TOKENS_PER_ROLE + (typeof name === 'string' ? TOKENS_PER_NAME : 0);
    addText(texts, name);
    addText(texts, message['refusal']);
    addText(texts, content);
    if (Array.isArray(content)) for (const part of content) addPart(texts, membersOf(part));
    if (Array.isArray(calls)) for (const call of calls) addCall(texts, membersOf(membersOf(call)['function']));
    if (isObject(called)) addCall(texts, called);
  }

  function addPart(texts: TokenEstimator, { type, text, refusal }: Members) {
    if (type === 'image_url') imageCount++;
    addText(texts, text);
    addText(texts, refusal);
  }

  return {
    add(example) {
      opened ??= open(example);
      const { texts } = opened;
      if ('messages' in example) return addConversation(texts, example);
      if (isCompletion(example)) {
        addText(texts, example['prompt']);
        return addText(texts, example['completion']);
      }
      addConversation(texts, membersOf(example['input']));
      addMessages(texts, example['preferred_output']);
      addMessages(texts, example['non_preferred_output']);
    },
    async ready() {
      await opened?.texts.ready();
    },
    async estimate() {
      if (opened === null) return null;
      const { tokens, error, isSampled } = await opened.texts.total();
      return { tokens: Math.round(tokens) + markup, tokenizer: opened.tokenizer, isSampled, error, imageCount };
    },
  };
}

const isCompletion = (example: Members) => 'prompt' in example || 'completion' in example;

/** Only babbage-002 and davinci-002 train on completions. All models that train on messages today have the newer one. */
const tokenizerOfFormat = (example: Members): Tokenizer =>
  !('messages' in example) && isCompletion(example) ? 'cl100k_base' : 'o200k_base';

function addCall(texts: TokenEstimator, { name, arguments: text }: Members) {
  addText(texts, name);
  addText(texts, text);
}

/** Other values are issues of the report. */
function addText(texts: TokenEstimator, value: unknown) {
  if (typeof value === 'string' && value !== '') texts.addText(value);
}
