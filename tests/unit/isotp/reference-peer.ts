/**
 * A second, independent reading of ISO 15765-2 for the tests: the ECU's side, written plainly on number arrays and
 * sharing nothing with `src/link/isotp`. It is strict: what the standard forbids throws.
 */
export interface PeerAddress {
  /** First data byte of what the peer expects and of what it sends; null = none. */
  readonly expects: number | null;
  readonly sends: number | null;
}

export interface FlowReply {
  readonly waits: number;
  readonly blockSize: number;
  readonly stMin: number;
}

/** Takes the frames of one message after another, tells which flow controls to send. */
export class PeerReceiver {
  readonly messages: number[][] = [];
  #have: number[] = [];
  #want = 0;
  #next = 1;
  #untilFlow = 0;
  readonly #address: PeerAddress;
  readonly #reply: () => FlowReply;

  constructor(address: PeerAddress, reply: () => FlowReply) {
    this.#address = address;
    this.#reply = reply;
  }

  /** Returns the flow controls that answer this frame. */
  frame(bytes: Uint8Array): number[][] {
    const data = [...bytes];
    if (data.length > 8) throw new Error('more than 8 bytes on classic CAN');
    if (this.#address.expects !== null && data.shift() !== this.#address.expects) throw new Error('wrong address byte');
    const room = this.#address.expects === null ? 7 : 6;
    const pci = data.shift();
    if (pci === undefined) throw new Error('no PCI');
    if (pci < 0x10) {
      if (this.#want > 0) throw new Error('single frame inside a message');
      if (pci === 0 || pci > room || data.length < pci) throw new Error(`bad SF_DL ${pci}`);
      this.messages.push(data.slice(0, pci));
      return [];
    }
    if (pci < 0x20) {
      if (data.length !== room) throw new Error('first frame not filled');
      let length = (pci - 0x10) * 256 + (data.shift() ?? 0);
      if (length === 0) {
        for (let i = 0; i < 4; i++) length = length * 256 + (data.shift() ?? 0);
        if (length < 4096) throw new Error('escape length without need');
      }
      if (length <= room) throw new Error('first frame where a single frame was enough');
      this.#want = length;
      this.#have = data;
      this.#next = 1;
      return this.#flow();
    }
    if (pci >= 0x30) throw new Error('unexpected PCI');
    if (this.#want === 0) throw new Error('consecutive frame outside a message');
    if (this.#untilFlow === 0) throw new Error('consecutive frame without a flow control');
    if (pci !== 0x20 + this.#next) throw new Error(`sequence ${pci - 0x20}, expected ${this.#next}`);
    this.#next = (this.#next + 1) % 16;
    const missing = this.#want - this.#have.length;
    if (data.length < Math.min(missing, room)) throw new Error('consecutive frame too short');
    this.#have.push(...data.slice(0, missing));
    this.#untilFlow--;
    if (this.#have.length === this.#want) {
      this.messages.push(this.#have);
      this.#want = 0;
      return [];
    }
    return this.#untilFlow === 0 ? this.#flow() : [];
  }

  #flow(): number[][] {
    const { waits, blockSize, stMin } = this.#reply();
    this.#untilFlow = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
    const head = this.#address.sends === null ? [] : [this.#address.sends];
    const wait = Array.from({ length: waits }, () => [...head, 0x31, 0, 0]);
    return [...wait, [...head, 0x30, blockSize, stMin]];
  }
}

/** All frames of a message, first to last, filled up with 0xAA. Whoever uses it keeps the flow control. */
export function peerFrames(message: readonly number[], address: PeerAddress, padded = true): number[][] {
  const head = address.sends === null ? [] : [address.sends];
  const pad = (frame: number[]) => (padded ? [...frame, ...Array<number>(8 - frame.length).fill(0xaa)] : frame);
  const room = 7 - head.length;
  const n = message.length;
  if (n <= room) return [pad([...head, n, ...message])];
  const lead =
    n < 4096
      ? [0x10 + Math.floor(n / 256), n % 256]
      : [0x10, 0, (n / 2 ** 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255];
  const inFirst = 8 - head.length - lead.length;
  const frames = [[...head, ...lead, ...message.slice(0, inFirst)]];
  let sequence = 1;
  for (let from = inFirst; from < n; from += room) {
    frames.push(pad([...head, 0x20 + sequence, ...message.slice(from, from + room)]));
    sequence = (sequence + 1) % 16;
  }
  return frames;
}
