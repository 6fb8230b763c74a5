/**
 * ISO 15765-2 on classic CAN. Knows frames, their order and their timers; knows nothing of adapters, services or what the
 * bytes of a message mean. `machine.ts` is pure; `channel.ts` joins it to a CanLink and a Clock.
 */
export { type IsoTpChannelExtras, openIsoTpChannel, type PreciseWait } from './channel.ts';
export type { PhysicalOf } from './functional-machine.ts';
export { stMinMs } from './st-min.ts';
