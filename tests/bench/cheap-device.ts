import type { Clock } from '#base/clock.ts';
import type { MessagePortLike } from '#contract/transport.ts';

const LINE_BYTES = 22;
const MOST_AT_ONCE = 256;
const ACKS = new TextEncoder().encode('z\r'.repeat(MOST_AT_ONCE));
const FLOW_CONTROL = new TextEncoder().encode('t7E88300000AAAAAAAAAA\r');

/**
 * The other end of the port for P2: an slcan device and its ECU that cost next to nothing, so that what is measured is
 * the stack. The wire takes `frameMs` per frame; what it did within a millisecond is told at the end of it.
 */
export class CheapDevice {
  /** Frames from the host since the channel was opened. */
  frames = 0;
  /** A sum over their bytes: equal bytes on the port? */
  checksum = 0;
  readonly #clock: Clock;
  readonly #port: MessagePortLike;
  readonly #acknowledges: boolean;
  readonly #frameMs: number;
  #outstanding = 0;
  #budgetMs = 0;
  #flowControlDue = false;
  #running = false;
  #outgoing: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #mayContinue = false;

  constructor(clock: Clock, port: MessagePortLike, acknowledges: boolean, frameMs: number) {
    this.#clock = clock;
    this.#port = port;
    this.#acknowledges = acknowledges;
    this.#frameMs = frameMs;
    port.addEventListener('message', ({ data }) => {
      const message = data as { readonly type: string; readonly bytes: Uint8Array };
      if (message.type === 'open') port.postMessage({ type: 'opened', usb: { vendorId: 0, productId: 0 } });
      else if (message.type === 'close') port.postMessage({ type: 'closed', reason: { kind: 'closed' } });
      else if (message.type === 'bytes') this.#hear(message.bytes);
    });
    port.start?.();
  }

  /** The ECU sends a message: its lines, ready made. */
  transmit(lines: Uint8Array): void {
    this.#outgoing = lines;
    this.#sent = 0;
    this.#mayContinue = false;
    this.#say(this.#take(1));
  }

  #hear(bytes: Uint8Array): void {
    if (bytes[0] !== 0x74) {
      this.#command(bytes);
      return;
    }
    const frames = bytes.length / LINE_BYTES;
    this.frames += frames;
    for (let i = 6; i < bytes.length; i += LINE_BYTES) this.checksum = (this.checksum * 31 + (bytes[i] ?? 0)) | 0;
    this.#outstanding += frames;
    const type = bytes[5] ?? 0;
    if (type === 0x31) this.#flowControlDue = true;
    else if (type === 0x33) this.#mayContinue = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#budgetMs = 0;
    while (this.#outstanding > 0 || this.#mayContinue) {
      await this.#clock.sleep(1);
      this.#budgetMs += 1;
      const frames = Math.floor(this.#budgetMs / this.#frameMs);
      this.#budgetMs -= frames * this.#frameMs;
      const acknowledged = Math.min(frames, this.#outstanding);
      this.#outstanding -= acknowledged;
      if (acknowledged > 0 && this.#acknowledges) this.#say(ACKS.subarray(0, 2 * Math.min(acknowledged, MOST_AT_ONCE)));
      if (this.#flowControlDue && this.#outstanding === 0) {
        this.#flowControlDue = false;
        this.#say(FLOW_CONTROL);
      }
      if (this.#mayContinue) this.#say(this.#take(frames));
      if (this.#sent >= this.#outgoing.length) this.#mayContinue = false;
    }
    this.#running = false;
  }

  #take(frames: number): Uint8Array {
    const part = this.#outgoing.subarray(this.#sent, this.#sent + frames * LINE_BYTES);
    this.#sent += part.length;
    return part;
  }

  #command(bytes: Uint8Array): void {
    for (const line of new TextDecoder().decode(bytes).split('\r').slice(0, -1)) {
      if (line === 'O') this.#started();
      if (!this.#acknowledges) {
        if (line === 'V') this.#say(new TextEncoder().encode('16ac342 github.com/normaldotcom/canable2-fw.git\r'));
      } else if (line === 'V') this.#say(new TextEncoder().encode('V1013\r'));
      else if (line === 'N') this.#say(new TextEncoder().encode('NCB01\r'));
      else this.#say(ACKS.subarray(1, 2));
    }
  }

  #started(): void {
    this.frames = 0;
    this.checksum = 0;
  }

  #say(bytes: Uint8Array): void {
    this.#port.postMessage({ type: 'bytes', bytes });
  }
}
