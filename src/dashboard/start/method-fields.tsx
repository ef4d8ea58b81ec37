import { useRef } from 'preact/hooks';
import type { Draft, DraftValues } from './draft/draft.ts';
import type { FieldErrors } from './draft/field-errors.ts';
import {
  GRADER_EXAMPLE,
  GRADER_PATH,
  HYPERPARAMETERS,
  METHOD_LABELS,
  REASONING_EFFORT,
} from './draft/hyperparameters.ts';
import { Field } from './field.tsx';
import type { TrainingMethod } from './upload/file-check.ts';

interface MethodFieldsProps {
  values: DraftValues;
  errors: FieldErrors;
  change: Draft['change'];
}

/** The method, its hyperparameters, and the grader of reinforcement. */
export function MethodFields({ values, errors, change }: MethodFieldsProps) {
  const { method, hyperparameters } = values;
  const set = (name: string, value: string) => change({ hyperparameters: { ...hyperparameters, [name]: value } });
  return (
    <fieldset class="group">
      <legend>Method</legend>
      <Field path="method" label="Training method" errors={errors}>
        {(attributes) => (
          <select
            {...attributes}
            value={method}
            onChange={({ currentTarget }) => change({ method: currentTarget.value as TrainingMethod })} // An option below.
          >
            {Object.entries(METHOD_LABELS).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      {method !== '' && <p class="quiet field-hint">The upstream chooses what you leave empty.</p>}
      <div class="field-grid">
        {HYPERPARAMETERS[method].map(({ name, label, hint }) => (
          <Field key={name} path={`method.${method}.hyperparameters.${name}`} label={label} hint={hint} errors={errors}>
            {(attributes) => (
              <input
                {...attributes}
                inputMode="decimal"
                autocomplete="off"
                placeholder="auto"
                value={hyperparameters[name] ?? ''}
                onInput={({ currentTarget }) => set(name, currentTarget.value)}
              />
            )}
          </Field>
        ))}
        {method === 'reinforcement' && (
          <ReasoningEffort values={values} errors={errors} onChange={(value) => set(REASONING_EFFORT, value)} />
        )}
      </div>
      {method === 'reinforcement' && <Grader values={values} errors={errors} change={change} />}
    </fieldset>
  );
}

const EFFORTS = { '': 'That of the model', DEFAULT: 'Default', LOW: 'Low', MEDIUM: 'Medium', HIGH: 'High' };

function ReasoningEffort({
  values,
  errors,
  onChange,
}: Pick<MethodFieldsProps, 'values' | 'errors'> & { onChange: (value: string) => void }) {
  return (
    <Field path={`method.reinforcement.hyperparameters.${REASONING_EFFORT}`} label="Reasoning effort" errors={errors}>
      {(attributes) => (
        <select
          {...attributes}
          value={values.hyperparameters[REASONING_EFFORT] ?? ''}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {Object.entries(EFFORTS).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const GRADER_ROWS = { least: 6, most: 18 };

function Grader({ values, errors, change }: MethodFieldsProps) {
  const text = useRef<HTMLTextAreaElement>(null);
  const insertExample = () => {
    change({ grader: JSON.stringify(JSON.parse(GRADER_EXAMPLE), null, 2) });
    text.current?.focus(); // The button disappears.
  };
  const { grader } = values;
  return (
    <div class="grader">
      <Field
        path={GRADER_PATH}
        label="Grader"
        hint={`How each output is scored, as JSON, such as ${GRADER_EXAMPLE}`}
        errors={errors}
      >
        {(attributes) => (
          <textarea
            {...attributes}
            ref={text}
            rows={Math.min(Math.max(grader.split('\n').length, GRADER_ROWS.least), GRADER_ROWS.most)}
            spellcheck={false}
            class="code"
            value={grader}
            onInput={({ currentTarget }) => change({ grader: currentTarget.value })}
          />
        )}
      </Field>
      {grader === '' && (
        <button type="button" class="button" onClick={insertExample}>
          Insert the example
        </button>
      )}
    </div>
  );
}
