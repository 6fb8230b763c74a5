/**
 * The yardstick of P2: long messages over slcan as one writes it when nothing ever goes wrong. Whole batches, tables, no
 * strings, no await per frame; no time-outs, no sequence check, no pacing by stuffed bits, no cancelling, no errors.
 */
import type { Clock } from '#base/clock.ts';
import type { MessagePortLike } from '#contract/transport.ts';

const HEX = Array.from('0123456789ABCDEF', (digit) => digit.charCodeAt(0));
const NIBBLE = new Uint8Array(128);
for (const [value, code] of HEX.entries()) NIBBLE[code] = value;
const CR = 0x0d;
const LINE_BYTES = 22;
const FLOW_CONTROL = Uint8Array.of(0x30, 0, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc);

interface PlainFrame {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface PlainOptions {
  readonly clock: Clock;
  readonly acknowledges: boolean;
  readonly windowFrames: number;
  /** Without acknowledgements: wait so long per frame. */
  readonly frameMs: number;
  readonly requestId: number;
  readonly onMessage: (pdu: Uint8Array) => void;
}

export class PlainPipeline {
  readonly #port: MessagePortLike;
  readonly #options: PlainOptions;
  readonly #line = new Uint8Array(64);
  #length = 0;
  #outstanding = 0;
  #wake: (() => void) | null = null;
  #flowControl: (() => void) | null = null;
  #message = new Uint8Array(0);
  #filled = 0;

  constructor(port: MessagePortLike, options: PlainOptions) {
    this.#port = port;
    this.#options = options;
    port.addEventListener('message', ({ data }) => {
      const message = data as { readonly type: string; readonly bytes: Uint8Array };
      if (message.type === 'bytes') this.#read(message.bytes);
    });
    port.start?.();
  }

  async send(pdu: Uint8Array): Promise<void> {
    const first = new Uint8Array(8);
    first[0] = 0x10 | (pdu.length >> 8);
    first[1] = pdu.length & 0xff;
    first.set(pdu.subarray(0, 6), 2);
    const cleared = new Promise<void>((resolve) => {
      this.#flowControl = resolve;
    });
    await this.#sendFrames([{ id: this.#options.requestId, data: first }]);
    await cleared;
    await this.#sendFrames(this.#consecutive(pdu));
  }

  #consecutive(pdu: Uint8Array): PlainFrame[] {
    const frames: PlainFrame[] = [];
    for (let from = 6, n = 1; from < pdu.length; from += 7, n++) {
      const data = new Uint8Array(8);
      const size = Math.min(7, pdu.length - from);
      if (size < 7) data.fill(0xcc);
      data[0] = 0x20 | (n & 0x0f);
      for (let i = 0; i < size; i++) data[1 + i] = pdu[from + i] ?? 0;
      frames.push({ id: this.#options.requestId, data });
    }
    return frames;
  }

  async #sendFrames(frames: readonly PlainFrame[]): Promise<void> {
    const { clock, acknowledges, windowFrames, frameMs } = this.#options;
    const half = windowFrames >> 1;
    for (let next = 0; next < frames.length; ) {
      const room = acknowledges ? windowFrames - this.#outstanding : half;
      if (room < Math.min(half, frames.length - next)) {
        await this.#acknowledged();
        continue;
      }
      const to = Math.min(frames.length, next + room);
      this.#write(frames, next, to);
      if (!acknowledges) await clock.sleep((to - next) * frameMs);
      next = to;
    }
    while (acknowledges && this.#outstanding > 0) await this.#acknowledged();
  }

  #acknowledged(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #write(frames: readonly PlainFrame[], from: number, to: number): void {
    const bytes = new Uint8Array((to - from) * LINE_BYTES);
    let at = 0;
    for (let i = from; i < to; i++) {
      const frame = frames[i];
      if (!frame) continue;
      const { id, data } = frame;
      bytes[at++] = 0x74;
      bytes[at++] = HEX[id >> 8] ?? 0;
      bytes[at++] = HEX[(id >> 4) & 15] ?? 0;
      bytes[at++] = HEX[id & 15] ?? 0;
      bytes[at++] = 0x30 + data.length;
      for (let k = 0; k < data.length; k++) {
        const byte = data[k] ?? 0;
        bytes[at++] = HEX[byte >> 4] ?? 0;
        bytes[at++] = HEX[byte & 15] ?? 0;
      }
      bytes[at++] = CR;
    }
    if (this.#options.acknowledges) this.#outstanding += to - from;
    this.#port.postMessage({ type: 'bytes', bytes });
  }

  #read(bytes: Uint8Array): void {
    const line = this.#line;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      if (byte !== CR) {
        line[this.#length++] = byte;
        continue;
      }
      if (line[0] === 0x7a) this.#outstanding--;
      else if (line[0] === 0x74) this.#frame();
      this.#length = 0;
    }
    this.#wake?.();
  }

  #frame(): void {
    const line = this.#line;
    const data = new Uint8Array((line[4] ?? 0x30) - 0x30);
    for (let i = 0; i < data.length; i++)
      data[i] = ((NIBBLE[line[5 + 2 * i] ?? 0] ?? 0) << 4) | (NIBBLE[line[6 + 2 * i] ?? 0] ?? 0);
    const pci = data[0] ?? 0;
    if (pci >> 4 === 3) this.#flowControl?.();
    else if (pci >> 4 === 1) {
      this.#message = new Uint8Array(((pci & 15) << 8) | (data[1] ?? 0));
      this.#message.set(data.subarray(2));
      this.#filled = 6;
      this.#write([{ id: this.#options.requestId, data: FLOW_CONTROL }], 0, 1);
    } else {
      const size = Math.min(7, this.#message.length - this.#filled);
      for (let i = 0; i < size; i++) this.#message[this.#filled + i] = data[1 + i] ?? 0;
      this.#filled += size;
      if (this.#filled === this.#message.length) this.#options.onMessage(this.#message);
    }
  }
}
