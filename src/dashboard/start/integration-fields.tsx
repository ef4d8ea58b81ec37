import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../ui/icon.tsx';
import type { Draft, WandbRun } from './draft/draft.ts';
import type { FieldErrors } from './draft/field-errors.ts';
import { Field, FieldError } from './field.tsx';

interface IntegrationFieldsProps {
  integrations: readonly WandbRun[];
  errors: FieldErrors;
  change: Draft['change'];
}

const EMPTY_RUN: WandbRun = { project: '', entity: '', name: '', tags: '' };

/** Runs in Weights & Biases, the only service that a new job can have. */
export function IntegrationFields({ integrations, errors, change }: IntegrationFieldsProps) {
  const group = useRef<HTMLFieldSetElement>(null);
  const nextFocus = useRef('');
  // Before the next key: an effect after the paint would lose it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows exist after the render with their new number.
  useLayoutEffect(() => {
    if (nextFocus.current !== '') group.current?.querySelector<HTMLElement>(nextFocus.current)?.focus();
    nextFocus.current = '';
  }, [integrations.length]);
  const add = () => {
    change({ integrations: [...integrations, EMPTY_RUN] });
    nextFocus.current = `[id='field-integrations.${integrations.length}.wandb.project']`;
  };
  const remove = (index: number) => {
    change({ integrations: integrations.filter((_, place) => place !== index) });
    nextFocus.current = '.add-run';
  };
  const set = (index: number, run: WandbRun) =>
    change({ integrations: integrations.map((old, place) => (place === index ? run : old)) });
  return (
    <fieldset class="group" ref={group}>
      <legend>Weights &amp; Biases</legend>
      <p class="quiet field-hint">
        Optional: a run there receives the metrics. Its API key belongs to the account of the upstream.
      </p>
      {integrations.map((run, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a run has no other identity, and keeps no state of its own.
        <Run key={index} run={run} index={index} errors={errors} onChange={set} onRemove={remove} />
      ))}
      <FieldError path="integrations" errors={errors} />
      <div>
        <button type="button" class="button add-run" onClick={add}>
          <Icon name="plus" />
          Add a run
        </button>
      </div>
    </fieldset>
  );
}

const TEXTS = [
  { name: 'project', label: 'Project', hint: 'Such as support-bot.' },
  { name: 'entity', label: 'Entity', hint: 'The team or user, such as acme. Empty for that of the API key.' },
  { name: 'name', label: 'Name', hint: 'The display name. Empty for the id of the job.' },
] as const;

interface RunProps {
  run: WandbRun;
  index: number;
  errors: FieldErrors;
  onChange: (index: number, run: WandbRun) => void;
  onRemove: (index: number) => void;
}

function Run({ run, index, errors, onChange, onRemove }: RunProps) {
  const title = `Run ${index + 1}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset in a fieldset has a second frame.
    <div class="run" role="group" aria-label={title}>
      <div class="run-title">
        <span>{title}</span>
        <button
          type="button"
          class="button-icon"
          aria-label={`Remove run ${index + 1}`}
          title="Remove"
          onClick={() => onRemove(index)}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="field-grid">
        {TEXTS.map(({ name, label, hint }) => (
          <Field key={name} path={`integrations.${index}.wandb.${name}`} label={label} hint={hint} errors={errors}>
            {(attributes) => (
              <input
                {...attributes}
                autocomplete="off"
                value={run[name]}
                onInput={({ currentTarget }) => onChange(index, { ...run, [name]: currentTarget.value })}
              />
            )}
          </Field>
        ))}
        <Field path={`integrations.${index}.wandb.tags`} label="Tags" hint="One per line." errors={errors}>
          {(attributes) => (
            <textarea
              {...attributes}
              rows={2}
              value={run.tags}
              onInput={({ currentTarget }) => onChange(index, { ...run, tags: currentTarget.value })}
            />
          )}
        </Field>
      </div>
    </div>
  );
}
