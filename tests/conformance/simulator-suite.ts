import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { FaultScript, SlcanFirmware } from '#contract/simulator-control.ts';
import type { MessagePortLike } from '#contract/transport.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachSlcanDevice, type SlcanDevice, type SlcanOptions } from '#simulator/devices/slcan/device.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

interface Arrival {
  readonly atMs: number;
  readonly text: string;
}

/** A terminal program: it types raw slcan text into the port and writes down what comes, with the time. */
export class Terminal {
  readonly clock: VirtualClock;
  readonly car: VirtualCar;
  readonly device: SlcanDevice;
  readonly store: MemoryCarStore;
  /** Everything but bytes: `opened`, `closed`, `line-error`. */
  readonly messages: Record<string, unknown>[] = [];
  readonly arrivals: Arrival[] = [];
  readonly #port: MessagePort;

  constructor(clock: VirtualClock, car: VirtualCar, store: MemoryCarStore, options: SlcanOptions) {
    this.clock = clock;
    this.car = car;
    this.store = store;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: Record<string, unknown>) => {
      if (message.type === 'bytes') this.#got(message.bytes as Uint8Array);
      else this.messages.push(message);
    });
    this.device = attachSlcanDevice(car, port2 as unknown as MessagePortLike, options);
  }

  /** All text that came so far, `\r` shown as `|` and BEL as `!`. */
  get text(): string {
    return this.arrivals.map(({ text }) => text).join('');
  }

  post(message: unknown): void {
    this.#port.postMessage(message);
  }

  type(text: string): void {
    this.post({ type: 'bytes', bytes: new TextEncoder().encode(text) });
  }

  /** Types, lets the time pass, gives what came. */
  async say(text: string, waitMs = 20): Promise<string> {
    const before = this.text.length;
    this.type(text);
    await this.clock.advance(waitMs);
    return this.text.slice(before);
  }

  async openLine(): Promise<void> {
    this.post({ type: 'open', line: { baudRate: 115_200 } });
    await this.clock.advance(5);
  }

  end(): void {
    this.device.detach();
    this.#port.close();
    this.car.close();
  }

  #got(bytes: Uint8Array): void {
    const text = new TextDecoder('latin1').decode(bytes).replaceAll('\r', '|').replaceAll('\u0007', '!');
    this.arrivals.push({ atMs: this.clock.now(), text });
  }
}

export async function plugIn(
  options: SlcanOptions = {},
  more: { faults?: FaultScript; bitRate?: 250_000 | 500_000 | 1_000_000 } = {},
): Promise<Terminal> {
  const clock = new VirtualClock();
  const store = new MemoryCarStore();
  const car = await VirtualCar.create({ data: V1, store, clock, seed: 3, ...more });
  const terminal = new Terminal(clock, car, store, options);
  await terminal.openLine();
  return terminal;
}

/** What every slcan device of the virtual car does, whatever its firmware. */
export function slcanDeviceSuite(firmware: SlcanFirmware): void {
  async function connected(): Promise<Terminal> {
    const terminal = await plugIn({ firmware });
    await terminal.say('C\r');
    await terminal.say('S6\rO\r');
    return terminal;
  }

  it('carries tester present and an extended session: t7E0023E00… gives t7E88027E00AAAAAAAAAA', async () => {
    const terminal = await connected();
    expect(await terminal.say('t7E08023E005555555555\r')).toContain('t7E88027E00AAAAAAAAAA|');
    expect(await terminal.say('t7E08021003CCCCCCCCCC\r')).toContain('t7E88065003003201F4AA|');
    expect(terminal.device.counters).toMatchObject({ framesToBus: 2, framesFromBus: 2, dropped: 0 });
    terminal.end();
  });

  it('carries a multi-frame answer: first frame, flow control typed by hand, two consecutive frames', async () => {
    const terminal = await connected();
    expect(await terminal.say('t70E80322F19055555555\r')).toContain('t77881014' + '62F190304342|');
    const rest = await terminal.say('t70E8300000' + '5555555555\r');
    expect(rest).toContain('t778821' + '56313030303030|t778822' + '30303030303137|');
    terminal.end();
  });

  it('carries a whole coding job and the car remembers it', async () => {
    const terminal = await connected();
    await terminal.say('t7E18021003CCCCCCCCCC\r');
    expect(await terminal.say('t7E180' + '62EF199261122CC\r')).toContain('t7E98036EF199AAAAAAAA|');
    await terminal.say('t7E18100' + '92EF198000003\r'); // FF of 9 bytes
    expect(await terminal.say('t7E1821781FD7CCCCCCCC\r', 60)).toContain('t7E98036EF198AAAAAAAA|');
    await terminal.say('t7E181009' + '2E0600140000\r');
    expect(await terminal.say('t7E182101' + '0201CCCCCCCC\r', 100)).toContain('t7E98036E0600AAAAAAAA|');
    expect(terminal.store.state?.ecus['02']?.dids['0600']).toBe('140000010201');
    terminal.end();
  });

  it('splits nothing wrong when each byte crosses alone', async () => {
    const terminal = await connected();
    for (const character of 't7E08023E005555555555\r') await terminal.say(character, 2);
    await terminal.clock.advance(20);
    expect(terminal.text).toContain('t7E88027E00AAAAAAAAAA|');
    terminal.end();
  });

  it('sends nothing to the bus while its channel is closed', async () => {
    const terminal = await connected();
    await terminal.say('C\r');
    await terminal.say('t7E08023E005555555555\r');
    expect(terminal.device.counters).toMatchObject({ framesToBus: 0, dropped: 1 });
    terminal.end();
  });

  it('hears and sends nothing at another bit rate', async () => {
    const terminal = await connected();
    await terminal.say('C\r');
    await terminal.say('S5\rO\r');
    await terminal.say('t7E08023E005555555555\r', 500);
    expect(terminal.device.counters).toMatchObject({ framesToBus: 0, framesFromBus: 0 });
    terminal.end();
  });

  it('is lost when pulled, refuses to open until plugged, and starts afresh then', async () => {
    const terminal = await connected();
    terminal.device.unplug();
    await terminal.clock.advance(5);
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    await terminal.openLine();
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    terminal.device.plug();
    await terminal.openLine();
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'opened' });
    await terminal.say('t7E08023E005555555555\r');
    expect(terminal.device.counters.framesToBus).toBe(0);
    expect(await terminal.say('S6\rO\rt7E08023E005555555555\r')).toContain('t7E88027E00AAAAAAAAAA|');
    terminal.end();
  });

  it('is pulled at an exact byte: a frame before it was sent, the one it cuts is not', async () => {
    const terminal = await connected();
    const ids: number[] = [];
    terminal.car.bus.tap(({ frame }) => ids.push(frame.id));
    terminal.device.unplugAtByte(30);
    await terminal.say('t7E08023E005555555555\r');
    expect(terminal.device.plugged).toBe(true);
    await terminal.say('t7E18023E005555555555\r');
    expect(terminal.device.plugged).toBe(false);
    expect(ids).toEqual([0x7e0, 0x7e8]);
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    terminal.end();
  });

  it('gives back what the host asks: open, close, and errors of the line', async () => {
    const terminal = await connected();
    terminal.device.lineError('framing');
    await terminal.clock.advance(2);
    expect(terminal.messages.at(-1)).toEqual({ type: 'line-error', name: 'framing' });
    terminal.post({ type: 'close' });
    await terminal.clock.advance(5);
    expect(terminal.messages.at(-1)).toEqual({ type: 'closed', reason: { kind: 'closed' } });
    terminal.end();
  });

  it('shrugs off messages that are none', async () => {
    const terminal = await connected();
    for (const junk of [null, 7, 'open', [], { type: 'bytes', bytes: 'S6\r' }, { type: 'nonsense' }, { bytes: 1 }])
      terminal.post(junk);
    expect(await terminal.say('t7E08023E005555555555\r')).toContain('t7E88027E00AAAAAAAAAA|');
    terminal.end();
  });
}
