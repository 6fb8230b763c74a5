import type { Ask, InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
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
const SWITCH_MARGIN_MS = 300;
const WRITE_LIMIT_MS = 500;
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
   * Tries the rates in turn and stays with the first at which the device says who it is; else at the old one. Not to be
   * cancelled: half-way nobody would know the rate.
   * @throws StackError `adapter/no-answer` when the device is found at neither rate, `transport/*`
   */
  async raise(rates: readonly number[]): Promise<void> {
    const { serial } = this.#parts;
    serial.forgiveLineErrors(true); // what passes while the two ends differ is noise, not a bad line
    try {
      for (const rate of rates) {
        if (rate <= this.#base.baudRate) continue;
        if (await this.#switchTo(rate)) return;
        if (this.isRaised) await this.#goBack();
      }
    } finally {
      serial.forgiveLineErrors(false);
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

  /** True when the device says who it is at the new rate. When it refuses the rate nothing has changed. */
  async #switchTo(rate: number): Promise<boolean> {
    const { console, serial } = this.#parts;
    const flowControl = rate > LONGEST_PLAIN_RATE ? 'hardware' : (this.#base.flowControl ?? 'none');
    return console.turn(async (ask) => {
      if (!(await accepts(ask, `STBRT${REOPEN_MS}`))) return false;
      let reopening: Promise<void> | null = null;
      const heardPrompt = await ask(`STSBR${rate}`, {
        timeoutMs: REOPEN_MS + SWITCH_MARGIN_MS,
        onLine: (line) => {
          if (hasStatus([line], 'ok')) reopening ??= serial.reconfigure({ ...this.#base, baudRate: rate, flowControl });
        },
      }).then(
        () => true,
        (error: unknown) => {
          if (isSilence(error)) return false;
          throw error;
        },
      );
      await reopening;
      return reopening !== null && heardPrompt && this.#isItself(ask);
    });
  }

  /** Does the device say who it is, at the rate of the moment? */
  async #isItself(ask: Ask): Promise<boolean> {
    const { command, text } = this.#parts.identity;
    try {
      const { lines } = await ask(command, { timeoutMs: PROOF_LIMIT_MS });
      return lines.some((line) => line.includes(text));
    } catch (error) {
      if (isSilence(error)) return false;
      throw error;
    }
  }

  /** Perhaps the device hears us and only we do not hear it, or its RTS/CTS is not wired: a switch back without an answer. */
  async #goBack(): Promise<void> {
    const { console, serial, identity } = this.#parts;
    await serial.reconfigure({ ...this.#base, baudRate: serial.line.baudRate });
    const command = Uint8Array.from(`    STSBR${this.#base.baudRate}\r`, (char) => char.charCodeAt(0));
    await serial.write(command, { timeoutMs: WRITE_LIMIT_MS });
    await console.clock.sleep(LEAVE_MS); // `write` proves nothing about the wire
    await serial.reconfigure(this.#base);
    console.distrust();
    if (await console.turn((ask) => this.#isItself(ask))) return;
    throw new StackError(
      'adapter/no-answer',
      'the adapter answers at neither line rate: unplug it and plug it in again',
      { command: identity.command, timeoutMs: PROOF_LIMIT_MS },
    );
  }
}

/** No answer, or noise instead of one. */
function isSilence(error: unknown): boolean {
  return isStackError(
    error,
    'adapter/no-answer',
    'adapter/stopped',
    'adapter/garbage',
    'adapter/reset',
    'call/timeout',
  );
}
