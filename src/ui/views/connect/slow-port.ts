import type { ConnectionView } from '#contract/vehicle-api.ts';

const FTDI = 0x0403;
/** An FTDI chip holds answers back for 16 ms as delivered; set to 1 ms, a round trip takes a few (reference: platform 2). */
const HELD_BACK_MS = 14;

/**
 * The answer time, in ms, where a setting of this computer would make it short (fault S15); null where nothing is slow, or where
 * the device is slow by itself: Bluetooth, and an ELM327's own line.
 */
export function slowPortMs(connection: ConnectionView): number | null {
  if (connection.kind !== 'open' || connection.usb?.vendorId !== FTDI) return null;
  const { roundTripMs, wireless, chip } = connection.adapter;
  if (roundTripMs === null || wireless || chip.startsWith('ELM327')) return null;
  return roundTripMs.median >= HELD_BACK_MS ? roundTripMs.median : null;
}
