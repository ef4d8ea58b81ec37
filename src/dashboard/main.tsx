import { render } from 'preact';
import { ErrorBoundary } from './app/error-boundary.tsx';
import { lazyPage } from './app/lazy-page.tsx';
import { Page } from './app/page.tsx';
import { boardHref, route } from './app/router.ts';
import { Shell } from './app/shell.tsx';
import { BoardPage } from './board/board-page.tsx';
import { loadSession } from './data/session.ts';

const JobPage = lazyPage(async () => (await import('./job/job-page.tsx')).JobPage);
const ComparePage = lazyPage(async () => (await import('./compare/compare-page.tsx')).ComparePage);
const StartPage = lazyPage(async () => (await import('./start/start-page.tsx')).StartPage);

function CurrentPage() {
  const current = route.value;
  switch (current.page) {
    case 'board':
      return <BoardPage />;
    case 'job':
      return <JobPage key={current.jobId} jobId={current.jobId} />;
    case 'compare':
      return <ComparePage jobIds={current.jobIds} />;
    case 'start':
      return <StartPage />;
    case 'unknown':
      return (
        <Page title="This page does not exist">
          <a href={boardHref}>Show the jobs</a>
        </Page>
      );
  }
}

/** The error of a job says nothing of another one. */
function App() {
  const current = route.value;
  return (
    <Shell>
      <ErrorBoundary key={current.page === 'job' ? `job ${current.jobId}` : current.page}>
        <CurrentPage />
      </ErrorBoundary>
    </Shell>
  );
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void loadSession();
