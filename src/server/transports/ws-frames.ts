/** Counts the frames in the bytes of a client. `ws` reports no fragments, and not when a message begins. */
export interface FrameCounter {
  /** Reads the next bytes. Returns the number of frames that begin in them. */
  add(bytes: Uint8Array): number;
  /** Number of complete messages so far. */
  readonly messages: number;
  /** Whether the bytes so far end within a frame or a message. */
  readonly isIncomplete: boolean;
}

const FIN = 0x80;
const MASK = 0x80;
const MASK_BYTES = 4;
const FIRST_CONTROL_OPCODE = 0x8;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** Creates a counter that reads the headers of frames (RFC 6455 5.2) and skips their data. */
export function createFrameCounter(): FrameCounter {
  let first = 0; // The first byte of the frame.
  let maskBytes = 0;
  let length = 0;
  let unreadLengthBytes = 0;
  let unreadBytes = 0;
  let position: 'first' | 'second' | 'length' | 'data' = 'first';
  let isWithinMessage = false;
  let messages = 0;

  function startData() {
    unreadBytes = maskBytes + length;
    position = 'data';
    if (unreadBytes === 0) endFrame();
  }

  function endFrame() {
    position = 'first';
    if ((first & 0x0f) >= FIRST_CONTROL_OPCODE) return;
    isWithinMessage = (first & FIN) === 0;
    if (!isWithinMessage) messages++;
  }

  function readSecond(byte: number) {
    maskBytes = byte & MASK ? MASK_BYTES : 0;
    length = byte & ~MASK;
    unreadLengthBytes = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
    if (unreadLengthBytes === 0) return startData();
    length = 0;
    position = 'length';
  }

  return {
    add(bytes) {
      let frames = 0;
      let index = 0;
      while (index < bytes.length) {
        if (position === 'data') {
          const skipped = Math.min(unreadBytes, bytes.length - index);
          index += skipped;
          unreadBytes -= skipped;
          if (unreadBytes === 0) endFrame();
          continue;
        }
        const byte = bytes[index++] ?? 0;
        if (position === 'first') {
          frames++;
          first = byte;
          position = 'second';
        } else if (position === 'second') {
          readSecond(byte);
        } else {
          length = length * 256 + byte;
          if (--unreadLengthBytes === 0) startData();
        }
      }
      return frames;
    },
    get messages() {
      return messages;
    },
    get isIncomplete() {
      return position !== 'first' || isWithinMessage;
    },
  };
}
