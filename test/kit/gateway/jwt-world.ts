import { jobBody } from '../bodies/job.ts';
import { createTestClock } from '../clock.ts';
import { askAs } from '../process/token.ts';
import { startGateway } from './gateway.ts';
import { startIssuer } from './issuer.ts';
import { startUpstream } from './upstream.ts';

export const WHO = '{ viewer { name role } fineTuningJob(id: "ftjob-1") { id } }';
const UNREADABLE = 'the keys of an issuer of JWT_ISSUERS cannot be read; known keys stay valid';

/** A gateway that accepts JWTs of a real issuer, over an upstream with the running job `ftjob-1`. */
export async function startJwtWorld(settings: Record<string, string> = {}) {
  const clock = createTestClock();
  await using opened = new AsyncDisposableStack();
  const issuer = opened.use(await startIssuer(clock));
  const upstream = opened.use(await startUpstream());
  upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
  const environment = { OPENAI_BASE_URL: upstream.baseUrl, ...issuer.settings, ...settings };
  const gateway = opened.use(await startGateway(environment, clock));
  const parts = opened.move();
  return {
    clock,
    issuer,
    upstream,
    gateway,
    ask: (token: string, query = WHO) => askAs(gateway.url, `Bearer ${token}`, query),
    /** The log lines about keys that cannot be read. */
    outages: () => gateway.log.filter(({ msg }) => msg === UNREADABLE),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
