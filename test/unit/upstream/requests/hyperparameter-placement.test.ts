import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type HyperparameterPlacement,
  placeHyperparameters,
  placementOf,
} from '../../../../src/upstream/requests/hyperparameter-placement.ts';

const supervised = (hyperparameters: object, others: object = {}) => ({
  method: { type: 'supervised', supervised: { ...others, hyperparameters } },
});
const TWO = { n_epochs: 2, learning_rate_multiplier: 0.5 };
const LORA = { lora: true, lora_r: 16 };

describe('placementOf', () => {
  it.each<[string, HyperparameterPlacement]>([
    ['https://api.openai.com/v1', 'method'],
    ['https://eu.api.openai.com/v1', 'method'],
    ['https://notapi.openai.com/v1', 'both'],
    ['https://api.openai.com.evil.example/v1', 'both'],
    ['https://mine.openai.azure.com/openai?api-version=2024-10-21', 'top'],
    ['https://mine.openai.azure.com/openai?api-version=2024-05-01-preview', 'top'],
    ['https://proxy.example/azure/openai?api-version=2024-10-21', 'top'],
    ['https://mine.openai.azure.com/openai?api-version=2024-12-01-preview', 'both'],
    ['https://mine.openai.azure.com/openai?api-version=2025-04-01-preview', 'method'],
    ['https://mine.openai.azure.com/openai/v1', 'method'],
    ['https://mine.openai.azure.com/openai/v1?api-version=2024-10-21', 'method'],
    ['https://proxy.example/openai/v1?api-version=preview', 'method'],
    ['https://mine.openai.azure.us/openai/v1', 'method'],
    ['https://mine.openai.azure.cn/openai/v1', 'method'],
    ['https://azure.us.evil.example/openai/v1', 'both'],
    ['https://api.tokenfactory.nebius.com/v1', 'both'],
    ['http://127.0.0.1:8000/v1', 'both'],
  ])('of %s is %s', (url, placement) => {
    expect(placementOf(new URL(url))).toBe(placement);
  });

  it.each<[string, HyperparameterPlacement]>([
    ['https://azure.us/openai/v1', 'method'],
    ['https://proxy.example/openai/v1/', 'method'],
    ['https://proxy.example/openai/v1?api-version=2024-10-21', 'method'],
    ['https://proxy.example/openai?api-version=2024-10-21', 'top'],
    ['https://proxy.example/openai?api-version=2025-04-01-preview', 'method'],
  ])('of %s is %s when it is configured as Azure', (url, placement) => {
    expect(placementOf(new URL(url), true)).toBe(placement);
  });
});

describe('placeHyperparameters', () => {
  it.each<[string, object, HyperparameterPlacement, object]>([
    ['of a method, in the method', supervised(TWO), 'method', supervised(TWO)],
    ['of a method, at the top', supervised(TWO), 'top', { hyperparameters: TWO }],
    ['of a method, in both', supervised(TWO), 'both', { ...supervised(TWO), hyperparameters: TWO }],
    ['of no method, in the method', { hyperparameters: LORA }, 'method', supervised(LORA)],
    ['of no method, at the top', { hyperparameters: LORA }, 'top', { hyperparameters: LORA }],
    ['of no method, in both', { hyperparameters: LORA }, 'both', { hyperparameters: LORA }],
    [
      'of both, merged at the top',
      { ...supervised(TWO), hyperparameters: LORA },
      'top',
      { hyperparameters: { ...TWO, ...LORA } },
    ],
    [
      'of both, merged in both',
      { ...supervised(TWO), hyperparameters: LORA },
      'both',
      { ...supervised({ ...TWO, ...LORA }), hyperparameters: { ...TWO, ...LORA } },
    ],
    [
      'without auto at the top',
      supervised({ n_epochs: 'auto', batch_size: 4 }),
      'top',
      { hyperparameters: { batch_size: 4 } },
    ],
    [
      'without auto in the copy at the top, in both',
      supervised({ n_epochs: 'auto', batch_size: 4 }),
      'both',
      { ...supervised({ n_epochs: 'auto', batch_size: 4 }), hyperparameters: { batch_size: 4 } },
    ],
    ['that are all auto, in both', supervised({ n_epochs: 'auto' }), 'both', supervised({ n_epochs: 'auto' })],
    ['that are all auto at the top', supervised({ n_epochs: 'auto' }), 'top', {}],
    ['that are absent', { method: { type: 'supervised' } }, 'both', { method: { type: 'supervised' } }],
    ['that are absent, at the top', { method: { type: 'supervised' } }, 'top', {}],
    [
      'beside other members of the method',
      supervised(TWO, { other: 1 }),
      'top',
      { method: { type: 'supervised', supervised: { other: 1 } }, hyperparameters: TWO },
    ],
  ])('sends those %s', (_, request, placement, expected) => {
    const rest = { model: 'm', training_file: 'f' };
    expect(placeHyperparameters({ ...rest, ...request }, placement)).toEqual({ ...rest, ...expected });
  });

  it.each(['dpo', 'reinforcement'])('leaves those of %s in the method, and adds extra ones', (type) => {
    const request = { method: { type, [type]: { grader: 1, hyperparameters: { beta: 1 } } } };
    for (const placement of ['method', 'both'] as const) expect(placeHyperparameters(request, placement)).toBe(request);
    const method = { type, [type]: { grader: 1, hyperparameters: { beta: 1, ...LORA } } };
    expect(placeHyperparameters({ ...request, hyperparameters: LORA }, 'method')).toEqual({ method });
    expect(placeHyperparameters({ ...request, hyperparameters: LORA }, 'both')).toEqual({
      method,
      hyperparameters: LORA,
    });
  });

  it('loses no hyperparameter and invents none: property', () => {
    const members = (names: string[]) => fc.dictionary(fc.constantFrom(...names), fc.integer());
    fc.assert(
      fc.property(
        members(['n_epochs', 'batch_size']),
        members(['lora_r', 'packing', '__proto__']),
        fc.boolean(),
        fc.constantFrom<HyperparameterPlacement>('method', 'top', 'both'),
        (own, top, hasMethod, placement) => {
          const request = { model: 'm', ...(hasMethod && supervised(own)), hyperparameters: top };
          const sent = Object(placeHyperparameters(request, placement));
          const all = { ...top, ...(hasMethod && own) };
          if (placement !== 'method') expect(sent.hyperparameters ?? {}).toEqual(all);
          if (placement === 'method') expect(sent.hyperparameters ?? {}).toEqual(Object.keys(all).length ? {} : top);
          if (placement === 'method' || (placement === 'both' && hasMethod))
            expect(sent.method?.supervised?.hyperparameters ?? {}).toEqual(all);
        },
      ),
    );
  });
});
