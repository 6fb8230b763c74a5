/** In the order of the table. */
export const BENCH_NAMES = [
  'wire-share',
  'pipeline-cpu',
  'isotp-machine',
  'slcan-codec',
  'st-min',
  'interpreters',
  'page',
] as const;
export type BenchName = (typeof BENCH_NAMES)[number];
