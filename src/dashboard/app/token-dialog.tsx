import { useRef } from 'preact/hooks';
import { forgetToken, type TokenReason, tokenPrompt } from '../data/token.ts';
import { Dialog } from '../ui/dialog.tsx';

const REASONS: Readonly<Record<TokenReason, string>> = {
  missing: 'This gateway requires a token:',
  invalid: 'This token is unknown, revoked or expired. Enter another one:',
  forbidden: 'This token has no role in this gateway. Enter another one:',
  change: 'Another token of this gateway:',
};

/** Asks for a token or JWT when the gateway requires one. The browser stores it until its tab is closed. */
export function TokenDialog() {
  const input = useRef<HTMLInputElement>(null);
  const prompt = tokenPrompt.value;
  if (prompt === null) return null;
  const { reason, message, answer } = prompt;
  const submit = (event: Event) => {
    event.preventDefault();
    answer(input.current?.value ?? null);
  };
  const forget = () => {
    forgetToken();
    location.reload(); // Nothing that this token has read remains.
  };
  return (
    <Dialog id="token-dialog" title="Token" onClose={() => answer(null)}>
      <form onSubmit={submit}>
        <label class="field">
          {REASONS[reason]}
          <input
            ref={input}
            type="password"
            data-focus
            autocomplete="off"
            required
            pattern="[!-~]+"
            title="the token alone, without Bearer"
          />
        </label>
        {message !== '' && <p role="alert">{message}</p>}
        <div class="dialog-actions">
          <button type="submit" class="button button-primary">
            Continue
          </button>
          <button type="button" class="button" onClick={() => answer(null)}>
            {reason === 'change' ? 'Back' : 'Skip'}
          </button>
          {reason === 'change' && (
            <button type="button" class="button button-danger" onClick={forget}>
              Forget the token
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
