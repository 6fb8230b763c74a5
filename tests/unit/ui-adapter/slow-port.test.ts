import { describe, expect, it } from 'vitest';
import { slowPortMs } from '#ui/views/connect/slow-port.ts';
import { open } from './fixtures.ts';

const FTDI = { vendorId: 0x0403, productId: 0x6015 };
const at = (median: number, change: { chip?: string; wireless?: boolean } = {}, usb = FTDI) => {
  const view = open({ usb });
  if (view.kind !== 'open') throw new Error('not open');
  return slowPortMs({ ...view, adapter: { ...view.adapter, ...change, roundTripMs: { median, p99: median + 1 } } });
};

describe('S15 a port that holds answers back', () => {
  it('S15 16 ms behind an FTDI chip is told with its figure; 3 ms is not', () => {
    expect(at(16.2)).toBe(16.2);
    expect(at(3)).toBeNull();
  });

  it('S15 no setting helps an ELM327 with its own slow line, a Bluetooth adapter, or another maker’s chip', () => {
    expect(at(16.2, { chip: 'ELM327-like' })).toBeNull();
    expect(at(40, { wireless: true })).toBeNull();
    expect(at(16.2, {}, { vendorId: 0x1a86, productId: 0x7523 })).toBeNull();
  });

  it('S15 nothing is said while no adapter is open', () => {
    expect(slowPortMs({ kind: 'none' })).toBeNull();
  });
});
