import { fromHex, toHexSpaced } from '#base/hex.ts';
import { DEFAULT_DIAG_TIMING, type DiagClient, type DiagEvent, type DiagTiming } from '#contract/diagnostics.ts';
import { StackError } from '#contract/errors.ts';
import type { WritePermit } from '#contract/permit.ts';
import { formatTraceLine } from '#contract/trace.ts';
import { openDiagClient, openSession, readDataByIdentifier, writeDataByIdentifier } from '#diagnostics/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { FakeChannel, TestOffice } from './fake-channel.ts';

export const CODING_OLD = '09 19 00 12 24 26 00 0E 30 04';
export const CODING_NEW = '09 19 00 16 24 26 00 0E 30 04';
export const WRITE = `2E 06 00 ${CODING_NEW}`;

/** A client on the virtual clock with a scripted ECU. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly channel = new FakeChannel(this.clock);
  readonly permits = new TestOffice();
  readonly events: DiagEvent[] = [];
  readonly trace: string[] = [];
  readonly client: DiagClient;

  constructor(timing: Partial<DiagTiming> = {}) {
    this.client = openDiagClient({
      channel: this.channel,
      clock: this.clock,
      timing: { ...DEFAULT_DIAG_TIMING, ...timing },
      verifier: this.permits.office,
      trace: { record: (line) => this.trace.push(formatTraceLine(line)) },
    });
    this.client.onEvent((event) => this.events.push(event));
    this.channel.always('10 03', '50 03 00 32 01 F4').always('10 01', '50 01 00 32 01 F4').always('3E 00', '7E 00');
  }

  /** 22 D D; the data as hex. */
  async read(did: number, options = {}): Promise<string> {
    const { data } = await this.clock.run(this.client.call(readDataByIdentifier, { did }, options));
    return toHexSpaced(data);
  }

  /** 10 03. */
  async extended(): Promise<void> {
    await this.clock.run(this.client.call(openSession, { session: 3 }));
  }

  /** 2E 06 00 with the new coding; a permit of its own unless one is given. */
  write(options: { signal?: AbortSignal; timeoutMs?: number } = {}, permit?: WritePermit): Promise<void> {
    return this.client.perform(
      writeDataByIdentifier,
      { did: 0x0600, data: fromHex(CODING_NEW) },
      permit ?? this.permits.permit(WRITE),
      options,
    );
  }

  /** The write, to its end. */
  written(options: { signal?: AbortSignal; timeoutMs?: number } = {}, permit?: WritePermit): Promise<void> {
    return this.clock.run(this.write(options, permit));
  }
}

/** The error that the work ends with; it must be one of the stack. */
export async function errorOf(work: Promise<unknown>): Promise<StackError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
  throw new Error('expected an error, the work succeeded');
}
