import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Clock } from '../../clock.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { createFrameRate, FRAMES_PER_SECOND } from './ws-frame-rate.ts';
import { createFrameCounter } from './ws-frames.ts';

/** Maximum unsent bytes before the server stops reading from the client. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** Maximum bytes that arrive before a client is authenticated: its token, and members that others read. */
const MAX_INIT_BYTES = 16 * 1024;

// Close codes of RFC 6455 7.4.1.
const POLICY_VIOLATION = 1008;
const MESSAGE_TOO_BIG = 1009;

/** A client whose input is limited. */
export interface IntakeClient {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** Undefined until the client is authenticated. */
  readonly identity: unknown;
  /** Closes the socket with a close code and its reason. Does nothing when it is closing already. */
  reject(code: number, reason: string, errorCode?: ErrorCode): void;
}

/** Decides when the server reads from a client. */
export interface Intake {
  /** Stops reading while the client has too many unsent bytes. */
  pauseWhileUnsent(): void;
  /** Reads again, unless there is still a reason not to. Call it when bytes have been sent. */
  resume(): void;
  /** Rejects a client whose message has been incomplete for too long. Call it now and then. */
  checkProgress(): void;
  dispose(): void;
}

/**
 * Limits the input of a client: the rate of its frames, the bytes before `connection_init`, and the time for a message. The
 * server reads no faster than the rate; a client that sends still more is disconnected.
 */
export function createIntake(client: IntakeClient, messageTimeoutMs: number, clock: Clock): Intake {
  const { socket, request, reject } = client;
  const connection = request.socket;
  const counter = createFrameCounter();
  const rate = createFrameRate(clock);
  const initialBytes = connection.bytesRead;
  let isThrottled = false;
  let cancelThrottle = () => {};
  /** The incomplete message at the last check. */
  let pending: { readonly index: number; readonly since: number } | undefined;

  const resume = () => {
    if (socket.isPaused && !isThrottled && socket.bufferedAmount <= MAX_UNSENT_BYTES) socket.resume();
  };
  function throttle() {
    const waitMs = rate.waitMs();
    isThrottled = waitMs > 0;
    if (!isThrottled) return resume();
    socket.pause();
    cancelThrottle = clock.after(waitMs, throttle);
  }
  /** Rejects the client and never reads again: the connection ends when the closing handshake times out. */
  function expel(code: number, reason: string) {
    reject(code, reason);
    cancelThrottle();
    isThrottled = true;
    socket.pause();
  }
  function guardRate(bytes: Buffer) {
    rate.add(counter.add(bytes));
    if (rate.isFlood)
      expel(POLICY_VIOLATION, `Frames: too many arrive; expected at most ${FRAMES_PER_SECOND} per second.`);
    else if (!isThrottled) throttle();
  }
  function guardInit() {
    if (client.identity !== undefined) return void connection.off('data', guardInit);
    if (connection.bytesRead - initialBytes <= MAX_INIT_BYTES) return;
    expel(
      MESSAGE_TOO_BIG,
      `connection_init: did not arrive within ${MAX_INIT_BYTES} bytes; send it first, with the token only.`,
    );
  }
  connection.prependListener('data', guardRate); // Before `ws` handles the frames.
  connection.on('data', guardInit); // Afterwards: `connection_init` can be among them.

  return {
    pauseWhileUnsent() {
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.pause();
    },
    resume,
    checkProgress() {
      // While the server does not read, the client cannot complete its message.
      if (!counter.isIncomplete || socket.isPaused) pending = undefined;
      else if (pending?.index !== counter.messages) pending = { index: counter.messages, since: clock.now() };
      if (pending === undefined || clock.now() - pending.since < messageTimeoutMs) return;
      reject(
        POLICY_VIOLATION,
        `Message: did not arrive within ${messageTimeoutMs} ms (BODY_TIMEOUT_MS); send it without pauses.`,
      );
    },
    dispose: () => cancelThrottle(),
  };
}
