import type { Draft, DraftValues } from './draft/draft.ts';
import type { FieldErrors } from './draft/field-errors.ts';
import { Field } from './field.tsx';
import { models } from './start-options.ts';

interface ModelFieldsProps {
  values: DraftValues;
  errors: FieldErrors;
  change: Draft['change'];
}

/** The model to train, the suffix of the new one, and the seed. */
export function ModelFields({ values, errors, change }: ModelFieldsProps) {
  return (
    <fieldset class="group">
      <legend>Model</legend>
      <Field
        path="modelId"
        label="Model to train"
        hint="A base model such as gpt-4.1-mini, or a fine-tuned model."
        errors={errors}
      >
        {(attributes) => (
          <input
            {...attributes}
            list="start-models"
            autocomplete="off"
            spellcheck={false}
            required
            value={values.modelId}
            onInput={({ currentTarget }) => change({ modelId: currentTarget.value.trim() })}
          />
        )}
      </Field>
      <datalist id="start-models">
        {models.value.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      <div class="field-grid">
        <Field
          path="suffix"
          label="Suffix"
          hint="A part of the name of the new model: 1 to 64 characters."
          errors={errors}
        >
          {(attributes) => (
            <input
              {...attributes}
              autocomplete="off"
              value={values.suffix}
              onInput={({ currentTarget }) => change({ suffix: currentTarget.value })}
            />
          )}
        </Field>
        <Field path="seed" label="Seed" hint="The same seed gives similar results: 0 to 2147483647." errors={errors}>
          {(attributes) => (
            <input
              {...attributes}
              inputMode="numeric"
              autocomplete="off"
              placeholder="auto"
              value={values.seed}
              onInput={({ currentTarget }) => change({ seed: currentTarget.value })}
            />
          )}
        </Field>
      </div>
    </fieldset>
  );
}
