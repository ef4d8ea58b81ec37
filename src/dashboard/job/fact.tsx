import type { ComponentChildren } from 'preact';
import { isDeleted } from '../actions/deleted-models.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import type { FactRow } from './fact-rows.ts';

/** Facts under a heading. */
export function Group({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="fact-group">
      <h2>{title}</h2>
      <dl>{children}</dl>
    </section>
  );
}

export const Rows = ({ rows }: { rows: readonly FactRow[] }) => (
  <>
    {rows.map(([name, value]) => (
      <Fact key={name} name={name}>
        {value}
      </Fact>
    ))}
  </>
);

/** Nothing without a value. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  if (children === null || children === undefined || children === false || children === '') return null;
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The id of a fine-tuned model, which can be deleted. */
export function ModelId({ name, id }: { name: string; id: string | null }) {
  if (id === null || !isDeleted(id)) return <Id name={name} id={id} />;
  return (
    <Fact name={name}>
      <span class="id">
        <s>
          <code>{id}</code>
        </s>
        <span class="badge" title="The upstream has no such model any more">
          Deleted
        </span>
      </span>
    </Fact>
  );
}

/** An id with a button that copies it. */
export function Id({ name, id }: { name: string; id: string | null }) {
  if (id === null) return null;
  return (
    <Fact name={name}>
      <span class="id">
        <code>{id}</code>
        <CopyButton text={id} label={`${name} ${id}`} />
      </span>
    </Fact>
  );
}
