import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { MessagePortLike } from '#contract/transport.ts';
import type { EventBatch, WorkerEvent } from '#contract/vehicle-api.ts';

/** At most 30 messages a second reach the page, whatever happens on the bus (goal P11). */
export const BATCH_MS = 34;

/**
 * Collects events and posts them in batches. The first event after a quiet time goes at once; of states that replace
 * each other (connection, vehicle, voltage, alive) only the last one of a batch is sent.
 */
export class EventSender {
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #port: MessagePortLike | null = null;
  #queue: WorkerEvent[] = [];
  #sequence = 0;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #scheduled = false;
  messagesSent = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connect(port: MessagePortLike): void {
    this.#port?.close();
    this.#port = port;
    this.#lastSentMs = Number.NEGATIVE_INFINITY;
  }

  send(event: WorkerEvent): void {
    if (this.#port === null) return;
    if (REPLACED.has(event.type)) this.#queue = this.#queue.filter((other) => other.type !== event.type);
    if (event.type === 'module')
      this.#queue = this.#queue.filter(
        (other) => other.type !== 'module' || other.module.moduleId !== event.module.moduleId,
      );
    // A new whole view makes the module rows before it stale, never those after it.
    if (event.type === 'vehicle') this.#queue = this.#queue.filter((other) => other.type !== 'module');
    this.#queue.push(event);
    this.#schedule();
  }

  close(): void {
    this.#ended.abort();
    this.#port?.close();
    this.#port = null;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waitMs = Math.max(0, this.#lastSentMs + BATCH_MS - this.#clock.now());
    void sleepUnlessAborted(this.#clock, waitMs, this.#ended.signal).then((slept) => {
      this.#scheduled = false;
      if (slept) this.#flush();
    });
  }

  #flush(): void {
    if (this.#queue.length === 0 || this.#port === null) return;
    const batch: EventBatch = { sequence: this.#sequence++, events: this.#queue };
    this.#queue = [];
    this.#lastSentMs = this.#clock.now();
    this.messagesSent++;
    this.#port.postMessage(batch);
  }
}

const REPLACED: ReadonlySet<WorkerEvent['type']> = new Set([
  'connection',
  'vehicle',
  'voltage',
  'jobs',
  'store',
  'alive',
]);

/** The page's end. Events come in order; a gap in the batch numbers means that some were lost: then ask for everything anew. */
export function receiveEvents(port: MessagePort, onEvent: (event: WorkerEvent) => void, onGap: () => void): () => void {
  let expected = 0;
  const onMessage = (message: MessageEvent<EventBatch>) => {
    const { sequence, events } = message.data;
    if (sequence !== expected) onGap();
    expected = sequence + 1;
    for (const event of events) onEvent(event);
  };
  port.addEventListener('message', onMessage);
  port.start();
  return () => {
    port.removeEventListener('message', onMessage);
    port.close();
  };
}
