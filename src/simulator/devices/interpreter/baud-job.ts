import type { Answer, Job } from './answer.ts';
import type { Chip } from './chip.ts';

const CR = 0x0d;

export interface BaudChange {
  readonly baudRate: number;
  readonly waitMs: number;
  /** What is printed at the new rate; the host answers it with CR in time, else the old rate returns. Absent: no handshake. */
  readonly banner?: string;
}

/** `OK` at the old rate, then the new one, with or without a handshake (reference: adapters A.8, B.2). */
export function startBaudChange(chip: Chip, change: BaudChange): Answer {
  new BaudJob(chip, change).start();
  return 'later';
}

class BaudJob implements Job {
  readonly #chip: Chip;
  readonly #change: BaudChange;
  readonly #oldRate: number;
  #awaitsHost = false;
  #isOver = false;

  constructor(chip: Chip, change: BaudChange) {
    this.#chip = chip;
    this.#change = change;
    this.#oldRate = chip.baudRate;
  }

  start(): void {
    const chip = this.#chip;
    chip.work(this);
    chip.line('OK');
    chip.uart.whenEmpty(() => {
      if (this.#isOver) return;
      chip.setBaudRate(this.#change.baudRate);
      this.#after(() => this.#atNewRate());
    });
  }

  input(byte: number): void {
    if (!this.#awaitsHost || byte !== CR) return;
    this.#isOver = true;
    this.#chip.line('OK');
    this.#chip.finish();
  }

  drop(): void {
    this.#isOver = true;
  }

  #atNewRate(): void {
    const chip = this.#chip;
    const { banner } = this.#change;
    if (banner === undefined) {
      chip.finish();
      return;
    }
    chip.line(banner);
    chip.uart.whenEmpty(() => {
      if (this.#isOver) return;
      this.#awaitsHost = true;
      this.#after(() => {
        chip.setBaudRate(this.#oldRate);
        chip.finish();
      });
    });
  }

  #after(run: () => void): void {
    this.#chip.kernel.after(this.#change.waitMs, () => {
      if (!this.#isOver) run();
    });
  }
}
