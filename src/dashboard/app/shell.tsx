import type { ComponentChildren } from 'preact';
import { graphUrl } from '../data/graphql-client.ts';
import { session, sessionError } from '../data/session.ts';
import { askAgain, isTokenDeclined, readToken } from '../data/token.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Icon } from '../ui/icon.tsx';
import { Toasts } from '../ui/toast.tsx';
import { enterAnotherToken } from './change-token.ts';
import { ConnectionStatus } from './connection-status.tsx';
import { boardHref, route, startHref } from './router.ts';
import { openShortcutHelp, ShortcutHelp } from './shortcuts.tsx';
import { isStartOffered } from './start-offer.ts';
import { ThemeSwitch } from './theme.tsx';
import { TokenDialog } from './token-dialog.tsx';

/** All that surrounds a page: header, dialogs and toasts. */
export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <button type="button" class="button skip-link" onClick={skipToContent}>
        Skip to content
      </button>
      <Header />
      {isTokenDeclined.value ? (
        <TokenNotice />
      ) : (
        sessionError.value && <ErrorNotice error={sessionError.value} onRetry={reload} />
      )}
      {children}
      <Toasts />
      <ShortcutHelp />
      <TokenDialog />
    </>
  );
}

/** No link to an anchor: the hash of the URL is the route. */
function skipToContent(): void {
  document.querySelector<HTMLElement>('#content h1')?.focus();
}

/** Pages and subscriptions have failed too. */
const reload = () => location.reload();

/** Shown after the user has skipped the token dialog. */
function TokenNotice() {
  const enter = async () => {
    if (await askAgain()) reload();
  };
  return (
    <div class="notice" role="status">
      <p>This gateway requires a token.</p>
      <button type="button" class="button button-primary" onClick={enter}>
        Enter a token
      </button>
    </div>
  );
}

function Header() {
  const { page } = route.value;
  const current = (name: typeof page) => (page === name ? 'page' : undefined);
  return (
    <header class="header">
      <a class="brand" href={boardHref}>
        Finetune Gateway
      </a>
      <nav class="nav" aria-label="Pages">
        <a href={boardHref} aria-current={current('board')}>
          Jobs
        </a>
        {isStartOffered.value && (
          <a href={startHref} aria-current={current('start')}>
            Start a job
          </a>
        )}
        <a href={graphUrl().pathname}>GraphiQL</a>
      </nav>
      <div class="header-end">
        <ConnectionStatus />
        <Identity />
        <ThemeSwitch />
        <button
          type="button"
          class="button-icon"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts"
          onClick={openShortcutHelp}
        >
          <Icon name="question" />
        </button>
      </div>
    </header>
  );
}

const ROLES = { VIEWER: 'viewer', OPERATOR: 'operator', ADMIN: 'admin' } as const;

/** The upstream, and the caller with its role. */
function Identity() {
  if (session.value === null) return null;
  const { gateway, viewer } = session.value;
  const caller = viewer.name === null ? ROLES[viewer.role] : `${viewer.name} (${ROLES[viewer.role]})`;
  return (
    <span class="identity">
      <span title="The upstream">{gateway.upstreamName}</span>
      {readToken() === null ? (
        <span class="quiet" title="You">
          {caller}
        </span>
      ) : (
        <button type="button" class="link" title="Enter another token, or forget this one" onClick={enterAnotherToken}>
          {caller}
        </button>
      )}
    </span>
  );
}
