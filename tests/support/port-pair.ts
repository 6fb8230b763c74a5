import type { MessagePortLike } from '#contract/transport.ts';

type Listener = (event: { readonly data: unknown }) => void;

/** One end of an in-memory message channel: delivers in order, one turn later, like a MessagePort. */
class Port implements MessagePortLike {
  other: Port | null = null;
  readonly #listeners = new Set<Listener>();
  readonly #waiting: unknown[] = [];
  #started = false;
  closed = false;
  filter: (message: unknown) => readonly unknown[] = (message) => [message];

  postMessage(message: unknown): void {
    const { other } = this;
    if (this.closed || other === null) return;
    for (const part of this.filter(message)) queueMicrotask(() => other.#receive(part));
  }

  addEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  start(): void {
    this.#started = true;
    for (const message of this.#waiting.splice(0)) this.#deliver(message);
  }

  close(): void {
    this.closed = true;
  }

  #receive(message: unknown): void {
    if (this.closed) return;
    if (this.#started) this.#deliver(message);
    else this.#waiting.push(message);
  }

  #deliver(message: unknown): void {
    for (const listener of this.#listeners) listener({ data: message });
  }
}

export interface PortPair {
  readonly near: MessagePortLike;
  readonly far: MessagePortLike;
  /** Nothing passes any more, in either direction, and neither end is told: the process at the near end is gone. */
  cut(): void;
}

/**
 * A pair of ports. `onMessage` sees each message before it passes (near → far is `out`) and may split or drop it: it returns
 * what passes.
 */
export function portPair(
  onMessage: (direction: 'out' | 'in', message: unknown) => readonly unknown[] = (_, message) => [message],
): PortPair {
  const near = new Port();
  const far = new Port();
  near.other = far;
  far.other = near;
  near.filter = (message) => onMessage('out', message);
  far.filter = (message) => onMessage('in', message);
  return {
    near,
    far,
    cut() {
      near.closed = true;
      far.other = null;
      near.other = null;
    },
  };
}
