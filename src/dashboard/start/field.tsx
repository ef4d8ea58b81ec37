import type { ComponentChildren } from 'preact';
import type { FieldErrors } from './draft/field-errors.ts';

interface FieldProps {
  /** Of the field in the input, such as `metadata.0.key`. */
  path: string;
  label: string;
  hint?: string;
  errors: FieldErrors;
  /** Renders the control with these attributes. */
  children: (attributes: ControlAttributes) => ComponentChildren;
}

interface ControlAttributes {
  id: string;
  'aria-invalid'?: 'true';
  'aria-describedby'?: string;
}

/** A control with its label, its hint and its error. */
export function Field({ path, label, hint, errors, children }: FieldProps) {
  const id = `field-${path}`;
  const error = errors[path];
  const described = [...(hint ? [`${id}-hint`] : []), ...(error ? [`${id}-error`] : [])];
  const attributes: ControlAttributes = {
    id,
    ...(error !== undefined && { 'aria-invalid': 'true' }),
    ...(described.length > 0 && { 'aria-describedby': described.join(' ') }),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(attributes)}
      {hint && (
        <p id={`${id}-hint`} class="quiet field-hint">
          {hint}
        </p>
      )}
      <FieldError path={path} errors={errors} />
    </div>
  );
}

/** The error of a field, if it has one. */
export function FieldError({ path, errors }: Pick<FieldProps, 'path' | 'errors'>) {
  const error = errors[path];
  if (error === undefined) return null;
  return (
    <p id={`field-${path}-error`} class="field-error" data-error={path}>
      {error}
    </p>
  );
}
