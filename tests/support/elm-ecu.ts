import { toHex } from '#base/hex.ts';
import type { ElmTestDevice, WireFrame } from './elm-device.ts';

export interface ElmEcuOptions {
  readonly requestId: number;
  readonly responseId: number;
  readonly functionalId?: number;
  readonly extended?: boolean;
  /** Extended addressing: first byte of requests and of answers. */
  readonly bytes?: { readonly target: number; readonly source: number };
  readonly blockSize?: number;
  readonly stMin?: number;
  /** WAIT this often before the first flow control. */
  readonly waits?: number;
  readonly flowStatus?: number;
  /** Instead of the first flow control. */
  readonly refusal?: Uint8Array;
  /** Gap of its own consecutive frames, if the tester asks for less. */
  readonly gapMs?: number;
  /** Its consecutive frames go through here: lost, doubled, swapped ones. */
  readonly mangle?: (frames: readonly Uint8Array[]) => readonly Uint8Array[];
  /** Answers to a request: bytes and when. */
  readonly answers?: (pdu: Uint8Array) => readonly { readonly afterMs: number; readonly pdu: Uint8Array }[];
}

const N_BS_MS = 1000;

/** An ECU for `ElmTestDevice`, with an ISO-TP of its own that checks what the tester does. */
export class ElmTestEcu {
  readonly received: Uint8Array[] = [];
  readonly violations: string[] = [];
  /** Flow controls it got for its answers, as hex. */
  readonly flowControls: string[] = [];
  listens = true;
  options: ElmEcuOptions;
  readonly #device: ElmTestDevice;
  #request: {
    readonly bytes: number[];
    readonly length: number;
    sequence: number;
    block: number;
    lastMs: number;
  } | null = null;
  #onFlowControl: ((blockSize: number, stMin: number) => void) | null = null;

  constructor(device: ElmTestDevice, options: ElmEcuOptions) {
    this.#device = device;
    this.options = options;
    device.ecus.push(this);
  }

  receive(frame: WireFrame): void {
    const { requestId, functionalId, extended = false, bytes } = this.options;
    if (!this.listens || frame.extended !== extended) return;
    if (frame.id !== requestId && frame.id !== functionalId) return;
    if (bytes && frame.data[0] !== bytes.target) return;
    const data = bytes ? frame.data.slice(1) : frame.data;
    const pci = data[0] ?? 0;
    if (pci >> 4 === 0) this.#message(data.slice(1, 1 + pci));
    else if (pci >> 4 === 1) this.#first(data);
    else if (pci >> 4 === 2) this.#consecutive(data, frame.atMs);
    else {
      this.flowControls.push(toHex(data.slice(0, 3)));
      this.#onFlowControl?.(data[1] ?? 0, data[2] ?? 0);
    }
  }

  /** Sends a message now; resolves when its last frame was on the wire, or when the tester's flow control is overdue. */
  async send(pdu: Uint8Array): Promise<void> {
    const room = this.options.bytes ? 6 : 7;
    if (pdu.length <= room) {
      this.#frame([pdu.length, ...pdu]);
      return;
    }
    const grant = this.#flowControl();
    this.#frame([0x10 | (pdu.length >> 8), pdu.length & 0xff, ...pdu.slice(0, room - 1)]);
    const frames: Uint8Array[] = [];
    for (let at = room - 1, n = 1; at < pdu.length; at += room, n++)
      frames.push(Uint8Array.of(0x20 | (n & 0x0f), ...pdu.slice(at, at + room)));
    let left = [...(this.options.mangle?.(frames) ?? frames)];
    let next = await grant;
    while (next && left.length > 0) {
      const block = next.blockSize === 0 ? left.length : next.blockSize;
      const more = Math.min(left.length, block);
      const following = left.length > more ? this.#flowControl() : null;
      for (const frame of left.slice(0, more)) {
        await this.#device.clock.sleep(Math.max(this.options.gapMs ?? 0.3, next.stMin));
        this.#frame([...frame]);
      }
      left = left.slice(more);
      next = following ? await following : null;
    }
  }

  /** Only the first frame of a message. */
  begin(lengthBytes: number): void {
    this.#frame(
      [0x10 | (lengthBytes >> 8), lengthBytes & 0xff, 0x62, 1, 2, 3, 4, 5].slice(0, this.options.bytes ? 7 : 8),
    );
  }

  async #flowControl(): Promise<{ blockSize: number; stMin: number } | null> {
    const granted = new Promise<{ blockSize: number; stMin: number }>((resolve) => {
      this.#onFlowControl = (blockSize, stMin) => {
        this.#onFlowControl = null;
        resolve({ blockSize, stMin });
      };
    });
    return Promise.race([granted, this.#device.clock.sleep(N_BS_MS).then(() => null)]);
  }

  #frame(data: readonly number[]): void {
    const { responseId, extended = false, bytes } = this.options;
    const padded = new Uint8Array(8).fill(0xaa);
    padded.set(bytes ? [bytes.source, ...data] : data);
    this.#device.hear({ id: responseId, extended, data: padded, atMs: this.#device.clock.now() });
  }

  #first(data: Uint8Array): void {
    const { refusal, waits = 0, flowStatus = 0 } = this.options;
    if (refusal) {
      this.options = { ...this.options, refusal: new Uint8Array(0) };
      if (refusal.length > 0) {
        this.#later(2, () => this.#frame([refusal.length, ...refusal]));
        return;
      }
    }
    const length = (((data[0] ?? 0) & 0x0f) << 8) | (data[1] ?? 0);
    const room = this.options.bytes ? 5 : 6;
    this.#request = {
      bytes: [...data.slice(2, 2 + room)],
      length,
      sequence: 1,
      block: 0,
      lastMs: Number.NEGATIVE_INFINITY,
    };
    void (async () => {
      for (let i = 0; i < waits; i++) {
        await this.#device.clock.sleep(i === 0 ? 2 : 400);
        this.#frame([0x31, 0, 0]);
      }
      await this.#device.clock.sleep(waits === 0 ? 2 : 400);
      this.#grant(flowStatus);
    })();
  }

  #grant(flowStatus = 0): void {
    const { blockSize = 0, stMin = 0 } = this.options;
    this.#frame([0x30 | flowStatus, blockSize, stMin]);
  }

  #consecutive(data: Uint8Array, atMs: number): void {
    const request = this.#request;
    if (!request) {
      this.violations.push(`a consecutive frame without a first one: ${toHex(data)}`);
      return;
    }
    const { blockSize = 0, stMin = 0 } = this.options;
    if (((data[0] ?? 0) & 0x0f) !== request.sequence % 16)
      this.violations.push(`sequence ${data[0]} instead of ${request.sequence}`);
    if (stMin <= 0x7f && atMs - request.lastMs < stMin - 1e-6)
      this.violations.push(`${atMs - request.lastMs} ms between frames`);
    request.lastMs = atMs;
    request.sequence++;
    request.bytes.push(...data.slice(1));
    if (request.bytes.length >= request.length) {
      this.#request = null;
      this.#message(Uint8Array.from(request.bytes.slice(0, request.length)));
      return;
    }
    request.block++;
    if (blockSize === 0 || request.block < blockSize) return;
    request.block = 0;
    this.#later(2, () => this.#grant());
  }

  #message(pdu: Uint8Array): void {
    this.received.push(pdu.slice());
    let busy = Promise.resolve();
    for (const { afterMs, pdu: answer } of this.options.answers?.(pdu) ?? [])
      busy = busy.then(async () => {
        await this.#device.clock.sleep(afterMs);
        await this.send(answer);
      });
  }

  #later(ms: number, action: () => void): void {
    void this.#device.clock.sleep(ms).then(action);
  }
}
