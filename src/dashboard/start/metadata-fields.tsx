import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../ui/icon.tsx';
import type { Draft, DraftValues } from './draft/draft.ts';
import type { FieldErrors } from './draft/field-errors.ts';
import { Field, FieldError } from './field.tsx';

/** The gateway needs two of the 16 pairs that OpenAI allows, for the idempotency key. */
const MAX_PAIRS = 14;

interface MetadataFieldsProps {
  metadata: DraftValues['metadata'];
  errors: FieldErrors;
  change: Draft['change'];
}

/** Rows of keys and values. */
export function MetadataFields({ metadata, errors, change }: MetadataFieldsProps) {
  const group = useRef<HTMLFieldSetElement>(null);
  const nextFocus = useRef('');
  // Before the next key: an effect after the paint would lose it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows exist after the render with their new number.
  useLayoutEffect(() => {
    if (nextFocus.current !== '') group.current?.querySelector<HTMLElement>(nextFocus.current)?.focus();
    nextFocus.current = '';
  }, [metadata.length]);
  const set = (index: number, pair: Partial<DraftValues['metadata'][number]>) =>
    change({ metadata: metadata.map((old, place) => (place === index ? { ...old, ...pair } : old)) });
  const add = () => {
    change({ metadata: [...metadata, { key: '', value: '' }] });
    nextFocus.current = `[id='field-metadata.${metadata.length}.key']`;
  };
  const remove = (index: number) => {
    change({ metadata: metadata.filter((_, place) => place !== index) });
    nextFocus.current = '.add-pair';
  };
  const isFull = metadata.length >= MAX_PAIRS;
  return (
    <fieldset class="group" ref={group}>
      <legend>Metadata</legend>
      {metadata.map(({ key, value }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other identity, and keeps no state of its own.
        <div class="pair" key={index}>
          <Field path={`metadata.${index}.key`} label={`Key ${index + 1}`} errors={errors}>
            {(attributes) => (
              <input
                {...attributes}
                autocomplete="off"
                value={key}
                onInput={({ currentTarget }) => set(index, { key: currentTarget.value })}
              />
            )}
          </Field>
          <Field path={`metadata.${index}.value`} label={`Value ${index + 1}`} errors={errors}>
            {(attributes) => (
              <input
                {...attributes}
                autocomplete="off"
                value={value}
                onInput={({ currentTarget }) => set(index, { value: currentTarget.value })}
              />
            )}
          </Field>
          <button
            type="button"
            class="button-icon"
            aria-label={`Remove pair ${index + 1}`}
            title="Remove"
            onClick={() => remove(index)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <FieldError path="metadata" errors={errors} />
      <div>
        <button type="button" class="button add-pair" aria-disabled={isFull} onClick={() => !isFull && add()}>
          <Icon name="plus" />
          Add a pair
        </button>
        {isFull && <span class="quiet"> At most {MAX_PAIRS} pairs.</span>}
      </div>
    </fieldset>
  );
}
