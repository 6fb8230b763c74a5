import { StackError } from '#contract/errors.ts';
import type { LineErrors } from '#contract/transport.ts';

const MAX_REASON_LENGTH = 200;

/** Names of Web Serial's read errors after which `port.readable` holds a fresh stream (Web Serial, "receive errors"). */
const SOFT_ERRORS: Readonly<Record<string, keyof LineErrors>> = {
  BreakError: 'breaks',
  FramingError: 'framing',
  ParityError: 'parity',
  BufferOverrunError: 'overruns',
  UnknownError: 'unknown',
};

/** Which soft error this is, or null when the device is gone (NetworkError) or the error is none of them. */
export function softErrorOf(error: unknown): keyof LineErrors | null {
  return SOFT_ERRORS[nameOf(error)] ?? null;
}

/** Text of a platform error, bounded: it names drivers and paths of the machine at best. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `${nameOf(error)}: ${message}`.slice(0, MAX_REASON_LENGTH);
}

/** Errors of `SerialPort.open`, translated once: here. */
export function openError(error: unknown): StackError {
  switch (nameOf(error)) {
    case 'InvalidStateError':
      return new StackError(
        'transport/busy',
        'the port is open already in this app',
        { owner: 'this-app' },
        { cause: error },
      );
    case 'NetworkError':
      return new StackError(
        'transport/busy',
        `the port does not open: ${reasonOf(error)}`,
        { owner: 'unknown' },
        { cause: error },
      );
    case 'SecurityError':
    case 'NotFoundError':
      return new StackError(
        'transport/permission-lost',
        'the browser no longer allows this port',
        {},
        { cause: error },
      );
    default: {
      const reason = reasonOf(error);
      return new StackError(
        'transport/unavailable',
        `the port does not open: ${reason}`,
        { api: 'serial', reason },
        { cause: error },
      );
    }
  }
}

/** Errors of writes and signals. */
export function writeError(error: unknown): StackError {
  const reason = reasonOf(error);
  const gone = nameOf(error) === 'NetworkError';
  return new StackError(
    gone ? 'transport/lost' : 'transport/write-failed',
    gone ? `the adapter is gone: ${reason}` : `the port did not take the bytes: ${reason}`,
    { reason },
    { cause: error },
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
