// A live table of jobs with React and Apollo Client. Copy it.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { ApolloProvider, useQuery, useSubscription } from '@apollo/client/react';
import { createElement, useState } from 'react';
import { createRoot } from 'react-dom/client';

const JOBS = gql`query { fineTuningJobs(first: 20) { nodes { id createdAt suffix status } } }`;
const CHANGES = gql`subscription {
  anyFineTuningJobProgressChanged { job { id createdAt suffix status } progress { fraction } }
}`;

function Jobs() {
  const [live, setLive] = useState({});
  const { data: list, error } = useQuery(JOBS);
  // The stream starts with all jobs that have not ended. Each change replaces the row of its job.
  const { error: failure = error } = useSubscription(CHANGES, {
    onData({ data: { data } }) {
      const { job, progress } = data.anyFineTuningJobProgressChanged;
      setLive((rows) => ({ ...rows, [job.id]: { ...job, progress } }));
    },
  });
  const jobs = new Map(list?.fineTuningJobs.nodes.map((job) => [job.id, job]));
  for (const job of Object.values(live)) jobs.set(job.id, job);
  const rows = [...jobs.values()].sort((a, b) => b.createdAt - a.createdAt);
  return <table>{failure ? <caption>{failure.message}</caption> : <tbody>{rows.map(Row)}</tbody>}</table>;
}

const Row = ({ id, suffix, status, progress }) => (
  <tr key={id}>
    <td>{suffix ?? id}</td>
    <td>{status}</td>
    <td>{progress?.fraction != null && <progress value={progress.fraction} />}</td>
  </tr>
);

/** Renders the table. The page must have the gateway's own origin, or one of CORS_ORIGINS. */
export function show(element) {
  const client = new ApolloClient({ link: new HttpLink({ uri: '/graphql' }), cache: new InMemoryCache() });
  createRoot(element).render(createElement(ApolloProvider, { client }, createElement(Jobs)));
}
