import { useState } from 'preact/hooks';
import { ConfirmDialog } from '../actions/confirm-dialog.tsx';
import { type DraftValues, EMPTY_VALUES } from './draft/draft.ts';

/** Discards a draft, after a confirmation unless it is empty. */
export function StartOver({ draft, onStartOver }: { draft: DraftValues; onStartOver: () => void }) {
  const [isAsked, setAsked] = useState(false);
  const isEmpty = JSON.stringify(draft) === JSON.stringify(EMPTY_VALUES);
  return (
    <>
      <button type="button" class="button" onClick={() => (isEmpty ? onStartOver() : setAsked(true))}>
        Start over
      </button>
      {isAsked && (
        <ConfirmDialog
          title="Discard these values?"
          confirmLabel="Discard the values"
          isDangerous
          onConfirm={async () => {
            onStartOver();
            return null;
          }}
          onClose={() => setAsked(false)}
        >
          <p>The form begins anew. Uploaded files stay.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
