import type { BusFrame } from '#simulator/can-bus.ts';

/** What the chip does between a command and its prompt. */
export interface Job {
  /** A byte of the host meanwhile. */
  input(byte: number): void;
  /** A frame on the bus meanwhile, whatever its identifier. */
  received?(event: BusFrame): void;
  /** Called off: a restart, or the chip goes on to something else. Nothing of it may happen any more. */
  drop(): void;
}

/** The lines of an answer; `'?'` = not understood; `'later'` = a job or a restart goes on from here. */
export type Answer = readonly string[] | '?' | 'later';
export const OK: Answer = ['OK'];
