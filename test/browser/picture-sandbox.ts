import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

/** The sandbox needs some seconds until its new jobs have curves. */
export const CURVES_MS = 45_000;

export interface PictureGateway extends AsyncDisposable {
  /** The URL of the graph. */
  readonly url: string;
}

/** Starts a gateway on a fast sandbox, for pictures of its jobs. */
export const startPictureSandbox = (): Promise<PictureGateway> =>
  startPictureGateway({ UPSTREAM: 'sandbox', PORT: '0', SANDBOX_SPEED: '10' });

export async function startPictureGateway(settings: Record<string, string>): Promise<PictureGateway> {
  const config = readConfig(settings);
  const log = createLogger({ level: 'silent', secrets: [] });
  const { url, dispose } = await createApp(config, log, systemClock);
  return { url, [Symbol.asyncDispose]: dispose };
}

/** Resolves when the new jobs have curves. */
export const curvesGrown = () => sleep(CURVES_MS);
