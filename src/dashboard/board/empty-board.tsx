import { DENIALS, isHidden } from '../actions/denial.ts';
import { startHref } from '../app/router.ts';
import { curlTo, quote } from '../data/curl.ts';
import { graphUrl } from '../data/graphql-client.ts';
import { session } from '../data/session.ts';
import { readToken } from '../data/token.ts';
import { CopyButton } from '../ui/copy-button.tsx';

const UPLOAD = `mutation ($file: Upload) {
  uploadFile(input: { file: $file }) {
    ... on UploadFileSuccess { file { id } }
    ... on Error { message }
  }
}`;

const CREATE = `mutation {
  createFineTuningJob(input: { modelId: "gpt-4.1-mini", trainingFileId: "file-…" }) {
    ... on CreateFineTuningJobSuccess { fineTuningJob { id status } }
    ... on Error { message }
  }
}`;

const onOneLine = (text: string) => text.replace(/\s+/g, ' ');

/** Shown when the upstream has no jobs: how to start one, or why the caller cannot. */
export function EmptyBoard() {
  const denial = session.value?.viewer.createFineTuningJobDenial ?? null;
  return (
    <section class="empty">
      <h2>No jobs yet</h2>
      <p>
        Each fine-tuning job of the upstream account is shown here, with its progress and its training loss or reward.
      </p>
      {denial !== null && <p>You cannot start a job now. {DENIALS[denial]}</p>}
      {session.value !== null && !isHidden(denial) && <WaysToStart />}
    </section>
  );
}

function WaysToStart() {
  const url = graphUrl();
  const operations = JSON.stringify({ query: onOneLine(UPLOAD), variables: { file: null } });
  const upload = [
    `${curlTo(url.href, readToken() !== null)} -H 'GraphQL-Require-Preflight: 1'`,
    `-F operations=${quote(operations)} -F map='{"0": ["variables.file"]}' -F 0=@train.jsonl`,
  ].join(' \\\n  ');
  return (
    <>
      <p>
        <a class="button button-primary" href={startHref}>
          Start a job
        </a>
      </p>
      <h3>With curl: upload the training examples</h3>
      <Snippet text={upload} label="curl command" />
      <h3>With GraphQL: create the job</h3>
      <Snippet text={CREATE} label="mutation" />
      <p>
        <a href={url.pathname}>Open GraphiQL</a>
      </p>
    </>
  );
}

function Snippet({ text, label }: { text: string; label: string }) {
  return (
    <div class="snippet">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
