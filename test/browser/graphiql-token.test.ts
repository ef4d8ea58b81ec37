import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startScript, type TestProcess } from '../kit/process/process.ts';
import { tokenFile, tokenLine } from '../kit/process/token.ts';
import { launch, PICTURES, press, turnTo } from './page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

/** A gateway with tokens, and GraphiQL's page of it before anybody has said who they are. */
async function start() {
  const list = tokenFile({ otto: 'operator' });
  const gateway: TestProcess = startScript('src/main.ts', [], {
    PORT: '0',
    AUTH: 'tokens',
    AUTH_TOKENS_FILE: list.file,
  });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const [, url = ''] = await gateway.said(/answers on (http:\S+\/graphql)/);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(25_000);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(url);
  return { page, url, ...list };
}

const dialog = (page: Page) => page.locator('#token-dialog');

async function give(page: Page, token: string): Promise<void> {
  await dialog(page).locator('input').fill(token);
  await dialog(page).getByRole('button', { name: 'Go on' }).click();
}

async function waitForSchema(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Documentation Explorer/i }).click();
  await page.getByRole('link', { name: 'Query' }).waitFor();
}

/** Presses the button until the right side shows this: for a moment after its start GraphiQL asks nothing. */
async function run(page: Page, shown: string): Promise<void> {
  const press = async () => {
    await page.locator('.graphiql-execute-button').click();
    return page.locator('.result-window').textContent();
  };
  await expect.poll(press, { interval: 500, timeout: 25_000 }).toContain(shown);
}

describe('GraphiQL of a gateway with tokens', () => {
  it('asks for one at once, and then knows the schema and answers', async () => {
    const { page, tokens } = await start();
    await dialog(page).getByText('This gateway asks for a token').waitFor();
    await page.screenshot({ path: `${PICTURES}/graphiql-token.png` });
    await give(page, tokens.otto);
    await dialog(page).waitFor({ state: 'detached' });
    await waitForSchema(page);
    await run(page, '"upstreamName"');
    await page.screenshot({ path: `${PICTURES}/graphiql-token-given.png` });
    expect(await dialog(page).count()).toBe(0);
  });

  it('sends it for a subscription too', async () => {
    const { page, tokens } = await start();
    await give(page, tokens.otto);
    await dialog(page).waitFor({ state: 'detached' });
    await turnTo(page, 'LiveJobs');
    await press(page, (_method, url) => url.includes('LiveJobs'));
    await page.locator('.result-window').getByText('"previousStatus"').waitFor();
    expect(await dialog(page).count()).toBe(0);
  });

  it('says that a token is not accepted, and asks for another', async () => {
    const { page, tokens } = await start();
    await give(page, 'fgw_wrong');
    await dialog(page).getByText('This token is not accepted').waitFor();
    await give(page, tokens.otto);
    await dialog(page).waitFor({ state: 'detached' });
    await run(page, '"upstreamName"');
  });

  it('keeps the token over a reload, and not in what stays when the browser is closed', async () => {
    const { page, tokens } = await start();
    await give(page, tokens.otto);
    await run(page, '"upstreamName"');
    await page.reload();
    await waitForSchema(page);
    expect(await dialog(page).count()).toBe(0);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(tokens.otto);
  });

  it('asks again when the token is revoked', async () => {
    const { page, tokens, write } = await start();
    await give(page, tokens.otto);
    await run(page, '"upstreamName"');
    write(tokenLine('other', 'viewer'));
    await expect
      .poll(
        async () => {
          if ((await dialog(page).count()) === 0) await page.locator('.graphiql-execute-button').click();
          return dialog(page).count();
        },
        { timeout: 30_000, interval: 250 }, // The file is read again within a second, the page is as quick as its machine.
      )
      .toBe(1);
    await dialog(page).getByText('This token is not accepted').waitFor();
  });

  it('shows what the server says to who goes on without one', async () => {
    const { page } = await start();
    await dialog(page).getByRole('button', { name: 'Without' }).click();
    await run(page, 'UNAUTHENTICATED');
    expect(await dialog(page).count()).toBe(0);
  });
});
