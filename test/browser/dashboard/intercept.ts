import type { Page, Route, WebSocketRoute } from 'playwright-core';

/** A request of the page for an operation. */
export interface Intercepted {
  readonly route: Route;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Lets a test respond to an operation of a page, by its name. `route.fallback()` sends it to the gateway. */
export async function intercept(page: Page, operation: string, respond: (request: Intercepted) => Promise<void>) {
  await page.route('**/graphql', async (route) => {
    const body = route.request().postDataJSON();
    if (body?.operationName === operation) await respond({ route, variables: body.variables });
    else await route.fallback();
  });
}

/** Called before a page is opened. Returns a function that cuts its live connection, which the page opens again. */
export async function cutterOf(page: Page): Promise<() => Promise<void>> {
  let newest: WebSocketRoute | undefined;
  await page.routeWebSocket(/graphql/, (socket) => {
    socket.connectToServer();
    newest = socket;
  });
  return async () => await newest?.close({ code: 4000, reason: 'Cut by a test.' });
}

/** Responds with an error of the field at this path, which is null in `data`. */
export const failField = (route: Route, data: object, path: readonly (string | number)[], code: string) =>
  route.fulfill({ json: { data, errors: [{ message: `Scripted: ${code}`, path, extensions: { code } }] } });

/** Responds with what the gateway responds, after a change of the job. */
export async function changeJob(route: Route, change: (job: Record<string, unknown>) => void): Promise<void> {
  const response = await route.fetch();
  const body = await response.json();
  change(body.data.fineTuningJob);
  await route.fulfill({ response, json: body });
}
