/** Status bits of `Fxx` (reference: adapters C.1). */
const RX_FIFO_FULL = 0x01;
const DATA_OVERRUN = 0x08;
const ERROR_PASSIVE = 0x20;
const BUS_ERROR = 0x80;

/**
 * What the device's flags say about the bus. A fault is a bus that does not work (wiring, bit rate, no other node);
 * "no node answers" is silence without a fault (fault T08).
 */
export function readFlags(value: number): {
  readonly fault: boolean;
  readonly lostFrames: boolean;
  readonly text: string;
} {
  return {
    text: `F${value.toString(16).toUpperCase().padStart(2, '0')}`,
    fault: (value & (ERROR_PASSIVE | BUS_ERROR)) !== 0,
    lostFrames: (value & (RX_FIFO_FULL | DATA_OVERRUN)) !== 0,
  };
}
