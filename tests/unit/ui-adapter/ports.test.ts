import { describe, expect, it } from 'vitest';
import { lastAdapterOf, reconnectChoice, startChoice } from '#ui/state/ports.ts';
import { systemOf, systemsFrom } from '#ui/views/connect/computer.ts';
import { CANABLE_USB, FTDI_USB, granted, open } from './fixtures.ts';

describe('what a start opens without a click', () => {
  it('the one granted adapter, and says that nobody chose it', () => {
    expect(startChoice([granted(CANABLE_USB, {})], false)).toEqual({
      kind: 'open',
      choice: { usb: CANABLE_USB, chosen: false },
    });
  });

  it('none of none, none of two', () => {
    expect(startChoice([], false)).toEqual({ kind: 'none' });
    expect(startChoice([granted(CANABLE_USB), granted(FTDI_USB)], false)).toEqual({ kind: 'none' });
  });

  it('S18 not the one that another tab holds: it says so', () => {
    expect(startChoice([granted(CANABLE_USB)], true)).toEqual({ kind: 'note', note: { kind: 'other-tab' } });
  });

  it('not at 250 kbit/s, which was the word for the last car: a wrong speed disturbs the bus of the next', () => {
    expect(startChoice([granted(CANABLE_USB, { bitRate: 250_000 })], false)).toEqual({
      kind: 'note',
      note: { kind: 'other-speed', bitRate: 250_000 },
    });
  });

  it('not a Bluetooth one', () => {
    expect(startChoice([granted(null, { wireless: true })], false)).toEqual({ kind: 'none' });
  });
});

describe('what "Reconnect adapter" opens', () => {
  const last = lastAdapterOf(open(), 500_000);

  it('S05 the granted one with the same identity, whatever its port is called now', () => {
    expect(reconnectChoice([granted(FTDI_USB), granted(CANABLE_USB)], CANABLE_USB, last)).toEqual({
      usb: CANABLE_USB,
      chosen: false,
    });
  });

  it('S07 of two alike the same one as before, by its key', () => {
    expect(reconnectChoice([granted(CANABLE_USB), granted(CANABLE_USB)], CANABLE_USB, last)).toEqual({
      usb: CANABLE_USB,
      chosen: false,
      adapter: last?.key,
    });
  });

  it('S06 nothing where the browser no longer knows it: then it has to be asked', () => {
    expect(reconnectChoice([granted(FTDI_USB)], CANABLE_USB, last)).toBeNull();
    expect(reconnectChoice([], null, null)).toBeNull();
  });

  it('without an identity only the only one', () => {
    expect(reconnectChoice([granted(CANABLE_USB)], null, null)).toEqual({ usb: CANABLE_USB, chosen: false });
    expect(reconnectChoice([granted(null), granted(null)], null, null)).toBeNull();
  });

  it('the virtual car is no adapter to come back to', () => {
    expect(lastAdapterOf(open({ simulated: true }), 500_000)).toBeNull();
  });
});

describe('help by operating system', () => {
  it('S01 the system at hand comes first, each once', () => {
    expect(systemsFrom('linux')).toEqual(['linux', 'windows', 'mac', 'chromeos', 'android']);
    expect(systemsFrom('other')).toEqual(['other', 'windows', 'mac', 'linux', 'chromeos', 'android']);
  });

  it('without client hints the user agent tells Android and ChromeOS from Linux', () => {
    expect(systemOf('Linux armv81', 'Mozilla/5.0 (Linux; Android 15)')).toBe('android');
    expect(systemOf('Linux x86_64', 'Mozilla/5.0 (X11; CrOS x86_64 16000.0.0)')).toBe('chromeos');
    expect(systemOf('Linux x86_64', 'Mozilla/5.0 (X11; Linux x86_64)')).toBe('linux');
  });
});
