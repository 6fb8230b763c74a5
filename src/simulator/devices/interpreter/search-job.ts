import type { BusFrame } from '#simulator/can-bus.ts';
import type { Job } from './answer.ts';
import type { Chip } from './chip.ts';
import { wireFrame } from './flow.ts';
import { type Protocol, SEARCH_ORDER } from './protocols.ts';
import { passes, requestId } from './settings.ts';

/** J1850 is given up after this. */
const J1850_MS = 200;
/** What a search asks with: an OBD request that every engine answers. */
const PROBE = Uint8Array.of(0x02, 0x01, 0x00);

/**
 * `SEARCHING...`: tries protocol after protocol with `01 00` until something answers, then goes on with it; else `UNABLE TO
 * CONNECT`. K-line and J1850 take their time, although the virtual car has neither.
 */
export class SearchJob implements Job {
  readonly #chip: Chip;
  readonly #found: (protocol: Protocol) => void;
  readonly #left: string[];
  #trying: Protocol | undefined;
  #isOver = false;
  #attempt = 0;

  constructor(chip: Chip, found: (protocol: Protocol) => void) {
    this.#chip = chip;
    this.#found = found;
    const first = chip.searchFirst;
    this.#left = [...(first ? [first] : []), ...SEARCH_ORDER.filter((number) => number !== first)];
  }

  start(): void {
    this.#chip.work(this);
    this.#chip.print('SEARCHING...');
    this.#next();
  }

  input(): void {
    this.#chip.print(this.#chip.newline);
    this.#chip.stop();
    this.#chip.can.close();
  }

  drop(): void {
    this.#isOver = true;
  }

  received({ frame }: BusFrame): void {
    const chip = this.#chip;
    const protocol = this.#trying;
    if (this.#isOver || !protocol || frame.extended !== protocol.extended) return;
    if (!passes(chip.settings, protocol, frame.id)) return;
    this.#isOver = true;
    chip.can.callOff();
    chip.protocol = protocol;
    if (!chip.model.joinsSearching) chip.print(chip.newline);
    this.#found(protocol);
  }

  #next(): void {
    const chip = this.#chip;
    const attempt = ++this.#attempt;
    const number = this.#left.shift();
    const protocol = number === undefined ? undefined : chip.elmProtocol(number);
    this.#trying = undefined;
    chip.can.close();
    if (!protocol) {
      this.#isOver = true;
      chip.print(chip.newline);
      chip.line('UNABLE TO CONNECT');
      chip.finish();
      return;
    }
    const goOn = (inMs: number) =>
      chip.kernel.after(inMs, () => {
        if (!this.#isOver && attempt === this.#attempt) this.#next();
      });
    if (protocol.wires !== 'hs-can') {
      goOn(protocol.initMs ?? J1850_MS);
      return;
    }
    this.#trying = protocol;
    chip.can.open(protocol);
    chip.can.send(wireFrame(chip.settings, protocol, requestId(chip.settings, protocol), PROBE), {
      sent: () => goOn(chip.model.defaultTimeoutMs),
      failed: () => goOn(0),
    });
  }
}
