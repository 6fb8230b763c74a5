import { StackError } from '#contract/errors.ts';
import type { CloseReason, RxChunk } from '#contract/transport.ts';

/** Unread bytes we keep. Far above what any bus delivers while a reader is alive. */
export const MAX_UNREAD_BYTES = 1 << 20;

/** Each step of a close, then the platform's object is dropped (fault S17). */
export const CLOSE_STEP_MS = 2000;

/**
 * The receiving half every transport has: chunks in order, bounded, and one end that settles `closed`. Errors never
 * come out of the stream: it just ends.
 */
export class ChunkQueue {
  readonly chunks: ReadableStream<RxChunk>;
  readonly closed: Promise<CloseReason>;
  #controller: ReadableStreamDefaultController<RxChunk> | null = null;
  #settle: (reason: CloseReason) => void = () => undefined;
  #reason: CloseReason | null = null;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.chunks = new ReadableStream<RxChunk>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => {
          this.#controller = null; // nobody reads any more; bytes that still come are dropped
        },
      },
      new CountBytes(),
    );
  }

  /** Why it ended, or null while it lives. */
  get reason(): CloseReason | null {
    return this.#reason;
  }

  /** False when the chunk was dropped because nobody reads. */
  push(bytes: Uint8Array, atMs: number): boolean {
    if (this.#reason || !this.#controller || bytes.length === 0) return true;
    if ((this.#controller.desiredSize ?? 0) <= 0) return false;
    this.#controller.enqueue({ bytes, atMs });
    return true;
  }

  /** The first reason counts. */
  end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#controller?.close();
    this.#controller = null;
    this.#settle(reason);
  }
}

class CountBytes implements QueuingStrategy<RxChunk> {
  readonly highWaterMark = MAX_UNREAD_BYTES;
  size(chunk: RxChunk): number {
    return chunk.bytes.length;
  }
}

/** What a call on an ended transport throws. */
export function endError(reason: CloseReason): StackError {
  if (reason.kind === 'closed') return new StackError('transport/closed', 'the transport is closed', {});
  return new StackError('transport/lost', `the adapter is gone: ${reason.detail}`, { reason: reason.detail });
}
