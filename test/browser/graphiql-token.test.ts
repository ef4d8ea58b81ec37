import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startIssuer } from '../kit/gateway/issuer.ts';
import { startScript, type TestProcess } from '../kit/process/process.ts';
import { tokenFile, tokenLine } from '../kit/process/token.ts';
import { execute, launch, SCREENSHOTS, selectTab } from './page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

/** A gateway with tokens, and its GraphiQL page without a token. */
async function start(settings: Record<string, string> = {}) {
  const list = tokenFile({ otto: 'operator' });
  const environment = { PORT: '0', AUTH: 'tokens', AUTH_TOKENS_FILE: list.file, ...settings };
  const gateway: TestProcess = startScript('src/main.ts', [], environment);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(60_000);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(url);
  return { page, url, ...list };
}

const dialog = (page: Page) => page.locator('#token-dialog');

async function enterToken(page: Page, token: string): Promise<void> {
  await dialog(page).locator('input').fill(token);
  await dialog(page).getByRole('button', { name: 'Continue' }).click();
}

async function waitForSchema(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Documentation Explorer/i }).click();
  await page.getByRole('link', { name: 'Query' }).waitFor();
}

/** Clicks the run button until the result shows this text: just after its start GraphiQL sends nothing. */
async function runUntil(page: Page, text: string): Promise<void> {
  const click = async () => {
    await page.locator('.graphiql-execute-button').click();
    return page.locator('.result-window').textContent();
  };
  await expect.poll(click, { interval: 500, timeout: 60_000 }).toContain(text);
}

describe('GraphiQL of a gateway with JWTs', () => {
  it('takes a long JWT, says why one is not accepted, and asks for another when one has no role', async () => {
    const issuer = await startIssuer();
    onTestFinished(() => issuer[Symbol.asyncDispose]());
    const { page } = await start(issuer.settings);
    await enterToken(page, await issuer.sign({ exp: 1 }));
    await dialog(page).getByText('This token is unknown, revoked or expired').waitFor();
    await dialog(page).getByText('Authorization: the token has expired; get a new one.').waitFor();
    await enterToken(page, await issuer.sign({ roles: ['others'] }));
    await dialog(page).getByText('This token has no role in this gateway').waitFor();
    await enterToken(page, await issuer.sign({ groups: 'g'.repeat(5600) }));
    await dialog(page).waitFor({ state: 'detached' });
    await runUntil(page, '"upstreamName"');
  });
});

describe('GraphiQL of a gateway with tokens', () => {
  it('asks for a token at once, and then loads the schema and runs queries', async () => {
    const { page, tokens } = await start();
    await dialog(page).getByText('This gateway requires a token').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/graphiql-token.png` });
    await enterToken(page, tokens.otto);
    await dialog(page).waitFor({ state: 'detached' });
    await waitForSchema(page);
    await runUntil(page, '"upstreamName"');
    await page.screenshot({ path: `${SCREENSHOTS}/graphiql-token-given.png` });
    expect(await dialog(page).count()).toBe(0);
  });

  it('sends the token for a subscription too', async () => {
    const { page, tokens } = await start();
    await enterToken(page, tokens.otto);
    await dialog(page).waitFor({ state: 'detached' });
    await selectTab(page, 'LiveJobs');
    await execute(page, (_method, url) => url.includes('LiveJobs'));
    await page.locator('.result-window').getByText('"previousStatus"').waitFor();
    expect(await dialog(page).count()).toBe(0);
  });

  it('says that a token is unknown, and asks for another', async () => {
    const { page, tokens } = await start();
    await enterToken(page, 'fgw_wrong');
    await dialog(page).getByText('This token is unknown, revoked or expired').waitFor();
    await enterToken(page, tokens.otto);
    await dialog(page).waitFor({ state: 'detached' });
    await runUntil(page, '"upstreamName"');
  });

  it('keeps the token over a reload, but not in localStorage', async () => {
    const { page, tokens } = await start();
    await enterToken(page, tokens.otto);
    await runUntil(page, '"upstreamName"');
    await page.reload();
    await waitForSchema(page);
    expect(await dialog(page).count()).toBe(0);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(tokens.otto);
  });

  it('asks again when the token is revoked', async () => {
    const { page, tokens, write } = await start();
    await enterToken(page, tokens.otto);
    await runUntil(page, '"upstreamName"');
    write(tokenLine('other', 'viewer'));
    await expect
      .poll(
        async () => {
          if ((await dialog(page).count()) === 0) await page.locator('.graphiql-execute-button').click();
          return dialog(page).count();
        },
        { timeout: 60_000, interval: 250 }, // The gateway reads the file again within a second.
      )
      .toBe(1);
    await dialog(page).getByText('This token is unknown, revoked or expired').waitFor();
  });

  it('shows the error of the server when the dialog is skipped', async () => {
    const { page } = await start();
    await dialog(page).getByRole('button', { name: 'Skip' }).click();
    await runUntil(page, 'UNAUTHENTICATED');
    expect(await dialog(page).count()).toBe(0);
  });
});
