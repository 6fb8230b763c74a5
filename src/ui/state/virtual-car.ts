import type { SimulatorControl, SimulatorReport, SimulatorState } from '#contract/simulator-control.ts';
import { createWorker } from '#ui/platform/scripts.ts';

/**
 * The page's hold on the virtual car: its worker, its lock (one tab drives it), and a fresh port for each vehicle worker.
 * The car goes on when a vehicle worker ends.
 */
export class VirtualCarOwner {
  #worker: Worker | null = null;
  #locked = false;
  #asked = 0;
  readonly #answers = new Map<number, (report: SimulatorReport) => void>();
  readonly #listeners = new Set<(state: SimulatorState) => void>();

  /** Null: another tab has the car. */
  async open(): Promise<MessagePort | null> {
    if (!this.#locked && !(await this.#lock())) return null;
    this.#worker ??= this.#start();
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ port: port2 }, [port2]);
    return port1;
  }

  get running(): boolean {
    return this.#worker !== null;
  }

  /** @throws Error when the car refuses, with its reason */
  control(control: SimulatorControl): Promise<SimulatorState> {
    const id = ++this.#asked;
    this.#worker ??= this.#start();
    const answer = new Promise<SimulatorReport>((resolve) => this.#answers.set(id, resolve));
    this.#worker.postMessage({ control, id });
    return answer.then((report) => {
      if (report.type === 'state') return report.state;
      throw new Error('why' in report ? report.why : 'the virtual car did not answer');
    });
  }

  onState(listener: (state: SimulatorState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #start(): Worker {
    const worker = createWorker('simulator');
    worker.addEventListener('message', ({ data }: MessageEvent<SimulatorReport>) => {
      if (data.type === 'state' || data.type === 'ready') for (const listener of this.#listeners) listener(data.state);
      if ('id' in data && data.id !== undefined) {
        this.#answers.get(data.id)?.(data);
        this.#answers.delete(data.id);
      }
    });
    return worker;
  }

  /** Held for as long as the page lives (design 2, I2). */
  #lock(): Promise<boolean> {
    return new Promise((resolve) => {
      void navigator.locks.request('virtual-car', { ifAvailable: true }, (lock) => {
        this.#locked = lock !== null;
        resolve(this.#locked);
        return lock === null ? undefined : new Promise(() => undefined);
      });
    });
  }
}
