import type { CloseReason, LineErrors, LineSettings, SimulatedLineMessage } from '#contract/transport.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_DETAIL_LENGTH = 200;
const LINE_ERROR_NAMES: readonly string[] = [
  'breaks',
  'framing',
  'parity',
  'overruns',
  'unknown',
] satisfies readonly (keyof LineErrors)[];

/** What the car's end may say. The other types are ours to send. */
export type FromSimulatedDevice = Extract<SimulatedLineMessage, { type: 'opened' | 'bytes' | 'line-error' | 'closed' }>;

/** Parses a message from the other end of the port; null for anything else. Nothing is cast, everything is bounded. */
export function parseFromSimulatedDevice(data: unknown): FromSimulatedDevice | null {
  if (!isRecord(data)) return null;
  switch (data.type) {
    case 'opened': {
      const { usb } = data;
      if (!isRecord(usb) || !isUsbId(usb.vendorId) || !isUsbId(usb.productId)) return null;
      return { type: 'opened', usb: { vendorId: usb.vendorId, productId: usb.productId } };
    }
    case 'bytes': {
      const { bytes } = data;
      if (!(bytes instanceof Uint8Array) || bytes.length === 0 || bytes.length > MAX_MESSAGE_BYTES) return null;
      return { type: 'bytes', bytes };
    }
    case 'line-error':
      return isLineErrorName(data.name) ? { type: 'line-error', name: data.name } : null;
    case 'closed': {
      const reason = closeReason(data.reason);
      return reason ? { type: 'closed', reason } : null;
    }
    default:
      return null;
  }
}

function closeReason(value: unknown): CloseReason | null {
  if (!isRecord(value)) return null;
  if (value.kind === 'closed') return { kind: 'closed' };
  if ((value.kind !== 'lost' && value.kind !== 'failed') || typeof value.detail !== 'string') return null;
  return { kind: value.kind, detail: value.detail.slice(0, MAX_DETAIL_LENGTH) };
}

/** A plain copy: what we send is exactly the contract's members. */
export function lineSettings(line: LineSettings): LineSettings {
  const { baudRate, dataBits = 8, stopBits = 1, parity = 'none', flowControl = 'none' } = line;
  return { baudRate, dataBits, stopBits, parity, flowControl };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isUsbId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff;
}

function isLineErrorName(value: unknown): value is keyof LineErrors {
  return typeof value === 'string' && LINE_ERROR_NAMES.includes(value);
}
