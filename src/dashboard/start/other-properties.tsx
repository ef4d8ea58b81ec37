import { useState } from 'preact/hooks';
import type { Draft, DraftValues } from './draft/draft.ts';
import type { FieldErrors } from './draft/field-errors.ts';
import { EXTRA_EXAMPLE, METHOD_EXTRA_EXAMPLE } from './draft/hyperparameters.ts';
import { Field } from './field.tsx';

interface OtherPropertiesProps {
  values: DraftValues;
  errors: FieldErrors;
  change: Draft['change'];
}

/** Properties that the form has no field for, as JSON. */
export function OtherProperties({ values, errors, change }: OtherPropertiesProps) {
  const { method, methodExtra, extra } = values;
  const methodPath = `method.${method}.extra`;
  const hasError = errors['extra'] !== undefined || errors[methodPath] !== undefined;
  const [isOpen, setOpen] = useState(extra !== '' || methodExtra !== '');
  return (
    <details class="group" open={isOpen || hasError} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Other properties</summary>
      <p class="quiet field-hint">For a server that knows more than these fields. They are sent unchanged.</p>
      {method !== '' && (
        <JsonField
          path={methodPath}
          label="Of the method"
          example={METHOD_EXTRA_EXAMPLE}
          value={methodExtra}
          errors={errors}
          onChange={(text) => change({ methodExtra: text })}
        />
      )}
      <JsonField
        path="extra"
        label="Of the job"
        example={EXTRA_EXAMPLE}
        value={extra}
        errors={errors}
        onChange={(text) => change({ extra: text })}
      />
    </details>
  );
}

interface JsonFieldProps {
  path: string;
  label: string;
  example: string;
  value: string;
  errors: FieldErrors;
  onChange: (text: string) => void;
}

function JsonField({ path, label, example, value, errors, onChange }: JsonFieldProps) {
  return (
    <Field path={path} label={label} hint={`A JSON object, such as ${example}`} errors={errors}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={4}
          spellcheck={false}
          class="code"
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </Field>
  );
}
