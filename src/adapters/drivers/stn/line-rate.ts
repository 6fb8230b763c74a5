import type { InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import { hasStatus } from '#adapters/drivers/interpreter/lines.ts';
import { bounded } from '#contract/call.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { SerialTransport } from '#contract/transport.ts';
import { accepts } from './settings.ts';

/** How long the device waits before its prompt at the new rate: Web Serial closes and opens in 150–400 ms (B.2). */
const REOPEN_MS = 1000;
/** The same on leaving: nobody waits for that prompt. */
const LEAVE_MS = 50;
const PROOF_LIMIT_MS = 500;
const SWITCH_MARGIN_MS = 500;
const LEAVE_LIMIT_MS = 1500;
/** Above this the device loses bytes without RTS/CTS (reference: adapters B.5). */
const LONGEST_PLAIN_RATE = 115_200;

export interface LineRateParts {
  readonly console: InterpreterConsole;
  readonly serial: SerialTransport;
  /** The identity text that proves the line, and the command that asks for it. */
  readonly identity: { readonly command: string; readonly text: string };
}

/**
 * The rate of the line between host and device: faster while we use it, as it was before and after. The switch is STSBR: the
 * device says OK, changes, and shows its prompt at the new rate when STBRT has passed; there is no handshake that a slow
 * reopening could miss (reference: adapters B.2). It is never stored in the device.
 */
export class LineRate {
  readonly #parts: LineRateParts;
  readonly #base: SerialTransport['line'];

  constructor(parts: LineRateParts) {
    this.#parts = parts;
    this.#base = parts.serial.line;
  }

  get isRaised(): boolean {
    return this.#parts.serial.line.baudRate !== this.#base.baudRate;
  }

  /**
   * Tries the rates in turn and stays with the first at which the device says who it is; else at the old one.
   * @throws StackError `adapter/no-answer` when the device is found at neither rate, `transport/*`, `call/aborted`
   */
  async raise(rates: readonly number[], signal: AbortSignal): Promise<void> {
    for (const rate of rates) {
      if (rate <= this.#base.baudRate) continue;
      if ((await this.#switchTo(rate, signal)) && (await this.#isItself(signal))) return;
      if (this.isRaised) await this.#goBack(signal);
    }
  }

  /**
   * The device restarted: it is at its own rate again, and so must we be.
   * @throws StackError `transport/*`, `call/*`
   */
  async followRestart(): Promise<void> {
    await this.#parts.serial.reconfigure(this.#base);
    this.#parts.console.distrust();
  }

  /** Leaves the device as the next connection looks for it. Best effort: it may be gone, and its next start does the same. */
  async restore(): Promise<void> {
    if (!this.isRaised) return;
    const { console } = this.#parts;
    await bounded(console.clock, 'set the line rate back', LEAVE_LIMIT_MS, undefined, (ended) =>
      console.turn(
        async (ask) => {
          await accepts(ask, `STBRT${LEAVE_MS}`);
          // Its prompt comes at a rate that we do not hear any more.
          await ask(`STSBR${this.#base.baudRate}`, { timeoutMs: 2 * LEAVE_MS });
        },
        { signal: ended },
      ),
    ).catch(() => undefined);
  }

  /** @returns false when the device refuses the rate: nothing has changed then */
  async #switchTo(rate: number, signal: AbortSignal): Promise<boolean> {
    const { console, serial } = this.#parts;
    const flowControl = rate > LONGEST_PLAIN_RATE ? 'hardware' : (this.#base.flowControl ?? 'none');
    return console.turn(async (ask) => {
      if (!(await accepts(ask, `STBRT${REOPEN_MS}`))) return false;
      let reopening: Promise<void> | null = null;
      const answer = await ask(`STSBR${rate}`, {
        signal,
        timeoutMs: REOPEN_MS + SWITCH_MARGIN_MS,
        onLine: (line) => {
          if (hasStatus([line], 'ok')) reopening ??= serial.reconfigure({ ...this.#base, baudRate: rate, flowControl });
        },
      }).catch((error: unknown) => {
        if (isStackError(error, 'adapter/no-answer', 'adapter/stopped')) return null; // the proof decides
        throw error;
      });
      await reopening;
      return reopening !== null || (answer !== null && hasStatus(answer.lines, 'ok'));
    });
  }

  /** Does the device say who it is, at the rate of the moment? */
  async #isItself(signal: AbortSignal): Promise<boolean> {
    const { console, identity } = this.#parts;
    try {
      const { lines } = await console.ask(identity.command, { signal, timeoutMs: PROOF_LIMIT_MS });
      return lines.some((line) => line.includes(identity.text));
    } catch (error) {
      if (
        isStackError(error, 'adapter/no-answer', 'adapter/stopped', 'adapter/garbage', 'adapter/reset', 'call/timeout')
      )
        return false;
      throw error;
    }
  }

  async #goBack(signal: AbortSignal): Promise<void> {
    const { console, serial, identity } = this.#parts;
    // Perhaps it hears us and only we do not hear it, or RTS/CTS is not wired.
    await serial.reconfigure({ ...this.#base, baudRate: serial.line.baudRate });
    await bounded(console.clock, 'set the line rate back', LEAVE_LIMIT_MS, signal, () =>
      serial.write(Uint8Array.from(`    STSBR${this.#base.baudRate}\r`, (char) => char.charCodeAt(0))),
    ).catch(() => undefined); // the proof at the old rate tells
    await console.clock.sleep(LEAVE_MS, { signal });
    await serial.reconfigure(this.#base);
    await console.clock.sleep(REOPEN_MS, { signal });
    console.distrust();
    if (await this.#isItself(signal)) return;
    throw new StackError(
      'adapter/no-answer',
      'the adapter answers at neither line rate: unplug it and plug it in again',
      {
        command: identity.command,
        timeoutMs: PROOF_LIMIT_MS,
      },
    );
  }
}
