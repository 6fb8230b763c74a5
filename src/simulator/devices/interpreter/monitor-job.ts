import type { BusFrame } from '#simulator/can-bus.ts';
import type { Answer, Job } from './answer.ts';
import type { Chip } from './chip.ts';
import { isFormatted } from './flow.ts';
import { frameLines } from './printer.ts';
import { ELM_PROTOCOLS, type Protocol } from './protocols.ts';
import { passes } from './settings.ts';

/**
 * Prints what is on the bus until a byte comes (`STOPPED`) or the UART cannot follow (`BUFFER FULL`). No flow control is sent
 * meanwhile. Without a protocol it listens at 11 bits, 500 kbit/s.
 */
export function startMonitor(chip: Chip, hearsAll: boolean): Answer {
  const protocol = chip.protocol ?? ELM_PROTOCOLS['6'];
  if (!protocol) return '?';
  new MonitorJob(chip, protocol, hearsAll).start();
  return 'later';
}

class MonitorJob implements Job {
  readonly #chip: Chip;
  readonly #protocol: Protocol;
  readonly #hearsAll: boolean;
  #isOver = false;

  constructor(chip: Chip, protocol: Protocol, hearsAll: boolean) {
    this.#chip = chip;
    this.#protocol = protocol;
    this.#hearsAll = hearsAll;
  }

  start(): void {
    const { settings, model } = this.#chip;
    this.#chip.work(this);
    this.#chip.can.open(this.#protocol, model.st ? !settings.monitorAcks : settings.silentMonitor);
  }

  input(): void {
    this.#chip.stop();
  }

  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#chip.can.open(this.#protocol);
  }

  received({ frame }: BusFrame): void {
    const chip = this.#chip;
    if (this.#isOver) return;
    if (!this.#hearsAll && !passes(chip.settings, this.#protocol, frame.id)) return;
    for (const line of frameLines(chip.settings, frame, isFormatted(chip))) {
      if (chip.tryLine(line)) continue;
      chip.can.counters.dropped++;
      chip.line('BUFFER FULL');
      chip.finish();
      return;
    }
  }
}
