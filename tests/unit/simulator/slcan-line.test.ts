import { describe, expect, it } from 'vitest';
import type { Clock } from '#base/clock.ts';
import type { BusFrame } from '#simulator/can-bus.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachSlcanDevice } from '#simulator/devices/slcan/device.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { plugIn } from '../../conformance/simulator-suite.ts';
import { portPair } from '../../support/port-pair.ts';

/** A host whose timers fire when the test says so: the car may run late. */
class LateClock implements Clock {
  nowMs = 0;
  #sleepers: (() => void)[] = [];

  now(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
  sleep(_ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push(resolve);
      options?.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    });
  }
  async timersFire(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) {
      for (const wake of this.#sleepers.splice(0)) wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const line = (n: number) => `t1238${n.toString(16).padStart(2, '0')}55AA55AA55AA55\r`;
const lines = (from: number, count: number) => Array.from({ length: count }, (_, i) => line(from + i)).join('');

describe('the USB line of a car that runs late', () => {
  it('what was written 20 ms apart crosses 20 ms apart: a queue of 27 that the wire has drained takes 27 more', async () => {
    const clock = new LateClock();
    const data = { ...V1, ecus: V1.ecus.slice(0, 1) };
    const car = await VirtualCar.create({ data, clock, store: new MemoryCarStore(), bitRate: 500_000, quantumMs: 1 });
    const { near, far } = portPair();
    const device = attachSlcanDevice(car, far, { firmware: 'canable-v1', tickMs: 1 });
    const seen: BusFrame[] = [];
    car.bus.tap((event) => {
      if (event.frame.id === 0x123) seen.push(event);
    });
    const at = async (nowMs: number, message: unknown) => {
      clock.nowMs = nowMs;
      near.postMessage(message);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const bytes = (text: string) => ({ type: 'bytes', bytes: new TextEncoder().encode(text) });
    near.start?.();
    await at(0.1, { type: 'open', line: { baudRate: 115_200 } });
    clock.nowMs = 2;
    await clock.timersFire();
    await at(2.1, bytes('S6\rO\r'));
    clock.nowMs = 4;
    await clock.timersFire();

    await at(4.2, bytes(lines(0, 27)));
    await at(24.2, bytes(lines(27, 27))); // no timer of the car has fired meanwhile
    clock.nowMs = 50;
    await clock.timersFire();

    expect(device.counters).toMatchObject({ framesToBus: 54, dropped: 0 });
    expect(seen.map(({ frame }) => frame.data[0])).toEqual(Array.from({ length: 54 }, (_, i) => i));
    expect(seen[0]?.startMs).toBeCloseTo(5, 6);
    expect(seen[27]?.startMs).toBeCloseTo(25, 6);
    device.detach();
    car.close();
  });
});

describe.each(['canusb', 'usbtin'] as const)('status flags of the %s', (firmware) => {
  it('T08 A0 (error passive, bus error) 10 ms after a frame that nobody acknowledges, 00 when somebody does', async () => {
    const terminal = await plugIn({ firmware });
    await terminal.car.set({ ignition: false });
    await terminal.clock.advance(60_000); // all modules asleep
    await terminal.say('S6\rO\r');
    expect(await terminal.say('F\r')).toBe('F00|');
    await terminal.say('t12380055AA55AA55AA55\r', 10);
    expect(await terminal.say('F\r')).toBe('FA0|');
    await terminal.car.set({ ignition: true });
    await terminal.clock.advance(3000);
    expect(await terminal.say('F\r')).toContain('F00|');
    terminal.end();
  });
});
