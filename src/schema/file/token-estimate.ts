import { findPrice, type PriceList } from '../../request/price-list.ts';
import { tokenizerOf } from '../../upstream/tokens/tokenizer.ts';
import type { TokenEstimate } from '../../upstream/training-data/example-tokens.ts';
import { builder } from '../core/builder.ts';

/** The training that an estimate is about; null for what is not known. */
export interface TrainingPlan {
  readonly modelId: string | null;
  readonly method: string | null;
  readonly nEpochs: number | null;
}

interface EstimatedTokens extends TokenEstimate {
  readonly isModelTokenizer: boolean;
}

/** Adds whether the tokenizer is that of the model. */
export function tokensFor(estimate: TokenEstimate, modelId: string | null): EstimatedTokens {
  return { ...estimate, isModelTokenizer: modelId !== null && tokenizerOf(modelId) === estimate.tokenizer };
}

/** Returns the tokens of all epochs; null when either is not known. */
export function trainingTokens(estimate: TokenEstimate | null, { nEpochs }: TrainingPlan): number | null {
  const tokens = estimate === null || nEpochs === null ? null : estimate.tokens * nEpochs;
  return Number.isSafeInteger(tokens) ? tokens : null;
}

interface Cost {
  readonly amount: number;
  readonly currency: string;
  readonly asOf: string;
  readonly source: string;
}

/** Returns the cost of a training; null when its tokens or its price are not known. */
export function costOf(estimate: TokenEstimate | null, plan: TrainingPlan, prices: PriceList): Cost | null {
  const { modelId, method } = plan;
  const tokens = trainingTokens(estimate, plan);
  if (estimate === null || tokens === null || modelId === null || method === null) return null;
  if (!tokensFor(estimate, modelId).isModelTokenizer) return null;
  const price = findPrice(prices, modelId, method);
  if (price === null) return null;
  // 12 digits: 3 million tokens at 0.1 are 0.3, not 0.30000000000000004.
  const amount = Number(((tokens * price.amount) / 1e6).toPrecision(12));
  return { ...price, amount };
}

const Tokenizer = builder.enumType('Tokenizer', {
  description: 'A public tokenizer of OpenAI, with which tokens are counted.',
  values: {
    O200K_BASE: {
      value: 'o200k_base',
      description: '`o200k_base`: gpt-4o, gpt-4.1, the o models, and later ones.',
    },
    CL100K_BASE: {
      value: 'cl100k_base',
      description: '`cl100k_base`: gpt-4, gpt-3.5-turbo, babbage-002 and davinci-002.',
    },
  } as const,
});

export const EstimatedTokensType = builder.objectRef<EstimatedTokens>('EstimatedTokens').implement({
  description:
    'An estimate of the tokens of a training file: the texts of all messages, prompts and completions by a public tokenizer, and the tokens around each message as in the cookbook of OpenAI. The upstream does not publish how it counts tools and images, so its count can differ.',
  fields: (t) => ({
    tokens: t.expose('tokens', {
      type: 'SafeInt',
      nullable: false,
      description: 'Number of tokens that one epoch trains on, such as 120000.',
    }),
    tokenizer: t.expose('tokenizer', {
      type: Tokenizer,
      nullable: false,
      description:
        'The tokenizer that counted: that of the model. Without a model, or when its tokenizer is not known, CL100K_BASE for completions and O200K_BASE for other formats.',
    }),
    isModelTokenizer: t.exposeBoolean('isModelTokenizer', {
      nullable: false,
      description:
        'Whether the tokenizer is that of the given model. False without a model, and when its tokenizer is not known: then the count of the model can differ by much more than `samplingErrorPercent`.',
    }),
    isSampled: t.exposeBoolean('isSampled', {
      nullable: false,
      description:
        'Whether only a sample of the texts was counted. False for files of at most 1 MiB of text, whose texts are all counted.',
    }),
    samplingErrorPercent: t.float({
      nullable: false,
      description:
        'How far the sample may be from the count of all texts, in percent, such as 1.4: three standard errors. 0 when `isSampled` is false.',
      resolve: ({ error }) => Math.ceil(1000 * error) / 10,
    }),
    uncountedImageCount: t.exposeInt('imageCount', {
      nullable: false,
      description: 'Number of images in the file. Their tokens are not in the estimate.',
    }),
  }),
});

export const EstimatedCost = builder.objectRef<Cost>('EstimatedCost').implement({
  description:
    'An estimate of the cost of a training, by a price that the operator of the gateway has entered in PRICES_FILE. It is no offer: the upstream bills what it counts.',
  fields: (t) => ({
    amount: t.exposeFloat('amount', {
      nullable: false,
      description: 'The amount in units of `currency`, such as 12.5. Above 0, not rounded to cents.',
    }),
    currency: t.exposeString('currency', {
      nullable: false,
      description: 'The currency as a code of ISO 4217, such as `USD`.',
    }),
    asOf: t.expose('asOf', { type: 'Date', nullable: false, description: 'The date of the price.' }),
    source: t.exposeString('source', {
      nullable: false,
      description: 'Where the operator has the price from, such as the URL of a price list.',
    }),
  }),
});
